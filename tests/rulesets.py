"""Small rule sets for tests."""

GREETING = """\
name: House rules
languages: [en]
rules:
  - id: greets
    check: greeting
    title: The agent greets
    severity: high
    position: {first_seconds: 30}
    phrases:
      - thank you for calling
  - id: says_calm_down
    check: prohibited
    title: Lectures the contact
    phrases:
      - calm down
"""
# The same, with another phrase for the greeting.
WELCOME = GREETING.replace("thank you for calling", "a warm welcome to you").replace("House rules", "Warm rules")
SIGNALS = """\
name: Signals
languages: [en]
rules:
  - id: wants_to_leave
    check: churn
    title: The contact wants to leave
    speaker: contact
    phrases:
      - cancel my contract
"""
