from django.db import migrations

# The index follows the table by triggers, so whoever writes or deletes a row need not know of it. `detail=none`
# makes it a third of the size: it finds the rows that hold all trigrams, and the query compares their text.
SQLITE = """
CREATE VIRTUAL TABLE lead_text USING fts5(
  text, content='lead_search', content_rowid='lead_id', tokenize='trigram case_sensitive 1', detail='none'
);
INSERT INTO lead_text(lead_text, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER lead_search_added AFTER INSERT ON lead_search BEGIN
  INSERT INTO lead_text(rowid, text) VALUES (new.lead_id, new.text);
END;
CREATE TRIGGER lead_search_removed AFTER DELETE ON lead_search BEGIN
  INSERT INTO lead_text(lead_text, rowid, text) VALUES ('delete', old.lead_id, old.text);
END;
CREATE TRIGGER lead_search_changed AFTER UPDATE OF text ON lead_search BEGIN
  INSERT INTO lead_text(lead_text, rowid, text) VALUES ('delete', old.lead_id, old.text);
  INSERT INTO lead_text(rowid, text) VALUES (new.lead_id, new.text);
END;
CREATE TRIGGER lead_removed AFTER DELETE ON lead BEGIN
  DELETE FROM lead_search WHERE lead_id = old.id;
END;
"""

# pg_trgm is a trusted extension: the owner of the database may create it. Where the server's contrib modules are not
# installed, searching works without it, slowly; `stagewise check` says so.
POSTGRES = """
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX lead_search_text ON lead_search USING gin (text gin_trgm_ops);
  END IF;
END $$;
CREATE FUNCTION lead_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM lead_search WHERE lead_id = old.id;
  RETURN NULL;
END $$;
CREATE TRIGGER lead_removed AFTER DELETE ON lead FOR EACH ROW EXECUTE FUNCTION lead_removed();
"""

# Leads that are there already: the worker takes them up again, as it does new ones.
AGAIN = "UPDATE lead SET derived_at = NULL WHERE derived_at IS NOT NULL"


def index_text(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRES, params=None)
        return
    with schema_editor.connection.cursor() as cursor:
        for statement in _statements(SQLITE):
            cursor.execute(statement)


def _statements(script):
    """The statements one by one: a script would commit the migration's transaction."""
    found, inside = [], False
    for line in script.strip().splitlines():
        found.append(line)
        inside = (inside or line.endswith("BEGIN")) and line != "END;"
        if line.endswith(";") and not inside:
            yield "\n".join(found)
            found = []


def derive_again(apps, schema_editor):
    schema_editor.execute(AGAIN)


class Migration(migrations.Migration):

    dependencies = [
        ("leads", "0004_work"),
    ]

    operations = [
        migrations.RunPython(index_text, migrations.RunPython.noop),
        migrations.RunPython(derive_again, migrations.RunPython.noop),
    ]
