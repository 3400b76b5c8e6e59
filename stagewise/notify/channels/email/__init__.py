"""Mail: every lead in the mailboxes of those who work it, and on request a confirmation to who wrote."""
