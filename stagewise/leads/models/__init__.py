"""Lead types with their stages, the leads that walk through them, and what a team does with each."""

from stagewise.leads.models.held import HeldLead, HeldState
from stagewise.leads.models.imports import ImportLine, ImportState, LeadImport, LineKind
from stagewise.leads.models.leads import Lead, LeadAttribution, LeadRepeat, LeadSearch, LeadSlot
from stagewise.leads.models.types import LeadType, LeadTypeAlias, Stage, StageKind, UnmatchedName
from stagewise.leads.models.work import (
    ActivityKind,
    BulkChange,
    BulkKind,
    BulkLead,
    DeletedLead,
    LeadActivity,
    LeadMention,
    LeadNote,
    LeadTag,
    LeadTask,
    SavedView,
    Tag,
)

__all__ = [
    "ActivityKind",
    "BulkChange",
    "BulkKind",
    "BulkLead",
    "DeletedLead",
    "HeldLead",
    "HeldState",
    "ImportLine",
    "ImportState",
    "Lead",
    "LeadActivity",
    "LeadAttribution",
    "LeadImport",
    "LeadMention",
    "LeadNote",
    "LeadRepeat",
    "LeadSearch",
    "LeadSlot",
    "LeadTag",
    "LeadTask",
    "LeadType",
    "LeadTypeAlias",
    "LineKind",
    "SavedView",
    "Stage",
    "StageKind",
    "Tag",
    "UnmatchedName",
]
