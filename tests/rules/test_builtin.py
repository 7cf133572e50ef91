"""The built-in rules on what people say: ways to say it, and sentences that only look alike."""

import pytest

from callcov_portal import rules
from tests.rules.test_rules import Said

SAID = {
    "identity": [
        "Good morning, my name is Sarah.",
        "This is Marcus speaking, hello.",
        "Hi, this is Elena from Acme Bank.",
        "Thank you for calling Acme, this is Tom, how can I help?",
        "You're speaking with Priya today.",
        "Hello, I'm calling from Northwind.",
        "Thank you for calling Acme, this is Sarah.",
        "Thanks for calling Acme Bank, Sarah speaking.",
        "This is Sarah from the billing department.",
        "Hello, I'm Sarah from Acme Insurance.",
        "Hello, it's Tom from Acme Insurance.",
        "Hi, Sarah here from Acme.",
        "You're through to Sarah.",
    ],
    "disclosure": [
        "Please be aware this call is being recorded.",
        "Our calls are recorded for training and monitoring.",
        "This call may be monitored or recorded for quality purposes.",
        "Just so you know, you're on a recorded line.",
        "This call is record it for quality.",
        "We record all calls for your protection.",
        "Your call is recorded.",
        "Calls are monitored and recorded.",
        "This call is being monitored and recorded.",
    ],
    "purpose": [
        "How may I help you?",
        "What can I do for you today?",
        "The reason for my call is your last payment.",
        "I'm calling about your renewal.",
        "I'm ringing about the appointment.",
        "So, how can I assist?",
        "What seems to be the problem?",
        "I'm calling because your payment is late.",
        "I'm following up on your order.",
        "How could I help you?",
    ],
    "prohibited": [
        "Well, that's not my problem.",
        "Sir, you need to calm down.",
        "I guarantee it will work.",
        "There's no need to raise your voice at me.",
        "Look, I just work here.",
        "You will go to jail for this.",
        "You should have read the contract.",
        "Oh, shut up.",
    ],
    "greeting": ["Good afternoon!", "Thank you for calling Northwind.", "Hello, you're through to billing."],
    "closing": ["Is there anything else?", "Have a great day!", "Goodbye.", "Okay, take care."],
    "empathy": ["I'm so sorry about this.", "I do apologise.", "I completely understand.", "That must be frustrating."],
    "hold": ["Can I put you on hold?", "Please hold.", "Bear with me a second."],
}

LOOK_ALIKE = [
    "There is no rush, take your time.",
    "Please go to mail settings and press save.",
    "I can't guarantee a date, but Thursday is likely.",
    "We cannot guarantee that it arrives tomorrow.",
    "I'll set up the account for you.",
    "That is no problem at all.",
    "It's not a problem, I can change that.",
    "The other department will send you the form.",
    "You can calculate it on the website.",
    "Please slow down a little so that I can write.",
    "I need to raise a ticket for you.",
    "Could you read the number to me?",
    "There's nothing else I need from you.",
    "I work in the payments team.",
    "You're listening to the right message.",
    "It is different from the last bill.",
    "This is a refund from last month.",
    "I recorded your change of address.",
    "I called your bank about the card.",
    "Your fault report has been closed.",
    "The promised date is Friday.",
    "This is a refund from the shop.",
    "A hundred percent of the fee comes back to you.",
]

HARMLESS = [
    "Let me see what the bill says.",
    "I know what they sell there.",
    "I will ask what the help desk said.",
    "There is someone in my department who can help.",
    "I will get someone from my department to call.",
    "Is there anything I can do for you?",
    "You should have received an email yesterday.",
    "Please have the documents that you should have ready.",
    "You should have read access now.",
    "You will be asked for your date of birth.",
    "That's your default address.",
    "That's not your fault at all.",
    "You're not listed on the account.",
    "You're being reasonable about this.",
    "You cannot use that card online.",
    "There's absolutely no rush.",
    "No one can guarantee that.",
    "I don't know what they can guarantee.",
    "It's not a hundred percent guaranteed.",
    "When things calm down we can look again.",
    "So what's your problem today?",
    "We will send you the mail.",
    "You need to come down to the branch.",
    "You will go to email settings.",
    "We will contact your employer to verify your income.",
]


@pytest.mark.parametrize(("check", "text"), [(check, text) for check, texts in SAID.items() for text in texts])
def test_what_should_be_found_is_found(check, text):
    assert rules.Talk([Said("A", text)]).first(rules.builtin().of(check)), text


@pytest.mark.parametrize("text", LOOK_ALIKE)
@pytest.mark.parametrize("check", ["prohibited", "identity", "disclosure"])
def test_what_only_looks_alike_is_left_alone(check, text):
    match = rules.Talk([Said("A", text)]).first(rules.builtin().of(check))
    assert match is None, match


@pytest.mark.parametrize("text", HARMLESS)
def test_nobody_is_accused_of_what_only_sounds_alike(text):
    match = rules.Talk([Said("A", text)]).first(rules.builtin().of("prohibited"))
    assert match is None, match


def test_a_recorded_line_is_nobodys_name():
    said = Said("A", "Thank you for calling Acme, this is a recorded line.")
    assert rules.Talk([said]).first(rules.builtin().of("identity")) is None


def test_taking_care_of_something_is_no_goodbye():
    assert rules.Talk([Said("A", "I will take care of that for you.")]).first(rules.builtin().of("closing")) is None


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("escalation", "I would like to speak to a supervisor please."),
        ("escalation", "Let me talk to your manager."),
        ("complaint", "I want to make a formal complaint."),
        ("dissatisfaction", "This is unacceptable!"),
        ("churn", "Then I am going to cancel my contract."),
        ("churn", "I'll take my business elsewhere."),
    ],
)
def test_what_the_contact_asks_for_is_heard_only_from_the_contact(check, text):
    wanted = rules.builtin().of(check)
    assert rules.Talk([Said("B", text)]).first(wanted)
    assert rules.Talk([Said("A", text)]).first(wanted) is None
