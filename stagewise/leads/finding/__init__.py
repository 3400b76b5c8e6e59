"""Finding leads: searched, filtered, put in order, page by page, however many there are."""

from stagewise.leads.finding.cursors import Cursor, read
from stagewise.leads.finding.filters import Filters
from stagewise.leads.finding.pages import Count, Ids, LeadPage, count, find, ids, load
from stagewise.leads.finding.walking import Budget

__all__ = ["Budget", "Count", "Cursor", "Filters", "Ids", "LeadPage", "count", "find", "ids", "load", "read"]
