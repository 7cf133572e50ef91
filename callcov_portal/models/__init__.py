"""Evidence: nouns, states, questions."""

from callcov_portal.models.analysis import Analysis
from callcov_portal.models.batch import Batch, BatchItem, BatchState, Cause, Fate, Sums, Way
from callcov_portal.models.bulk import BulkAct, BulkItem, BulkJob, BulkState
from callcov_portal.models.delivery import Delivery
from callcov_portal.models.export import ColumnChoice, Every, Export, ExportState, Schedule, Weekday
from callcov_portal.models.file_pattern import FilePattern
from callcov_portal.models.fingerprint import Fingerprint, SoundWord
from callcov_portal.models.log import LogEntry, Spent
from callcov_portal.models.merge import Merge, Side
from callcov_portal.models.pace import Call, Signal, Spending
from callcov_portal.models.people import UNKNOWN_CONTACT, Agent, Contact, Role, User
from callcov_portal.models.recording import CalledAtSource, Direction, Muting, Recording
from callcov_portal.models.rule_version import RuleVersion
from callcov_portal.models.saved_view import SavedView
from callcov_portal.models.spoken import Spoken, Unindexed
from callcov_portal.models.states import RETRYABLE, REVIVABLE, UNFINISHED, Failure, State, Urgency
from callcov_portal.models.tally import AgentWeek, CallCheck, CallTally, Check, CheckWeek
from callcov_portal.models.transcript import Document, Finding, Origin, Outcome, Segment, SensitiveSpan, Speaker
from callcov_portal.models.waveform import Waveform

__all__ = [
    "RETRYABLE",
    "REVIVABLE",
    "UNFINISHED",
    "UNKNOWN_CONTACT",
    "Agent",
    "AgentWeek",
    "Analysis",
    "Batch",
    "BatchItem",
    "BatchState",
    "BulkAct",
    "BulkItem",
    "BulkJob",
    "BulkState",
    "Call",
    "CallCheck",
    "CallTally",
    "CalledAtSource",
    "Cause",
    "Check",
    "CheckWeek",
    "ColumnChoice",
    "Contact",
    "Delivery",
    "Direction",
    "Document",
    "Every",
    "Export",
    "ExportState",
    "Failure",
    "Fate",
    "FilePattern",
    "Finding",
    "Fingerprint",
    "LogEntry",
    "Merge",
    "Muting",
    "Origin",
    "Outcome",
    "Recording",
    "Role",
    "RuleVersion",
    "SavedView",
    "Schedule",
    "Segment",
    "SensitiveSpan",
    "Side",
    "Signal",
    "SoundWord",
    "Speaker",
    "Spending",
    "Spent",
    "Spoken",
    "State",
    "Sums",
    "Unindexed",
    "Urgency",
    "User",
    "Waveform",
    "Way",
    "Weekday",
]
