# mypy: ignore-errors
# (its libraries live in an environment of their own, .cache/bench-venv, where mypy does not look)
"""The endpoint that a developer would write in an afternoon: FastAPI, SQLAlchemy, slowapi, one commit a request.

Synced like ours: SQLite in WAL mode with ``synchronous=FULL``. ``BENCH_DATABASE`` names the file.
"""

import os
from datetime import UTC, datetime
from typing import Annotated

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, EmailStr, StringConstraints
from slowapi import Limiter, _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded
from slowapi.util import get_remote_address
from sqlalchemy import ForeignKey, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

# The pool is as large as FastAPI's pool of threads, so that no request waits for a connection.
engine = create_engine(
    f"sqlite:///{os.environ['BENCH_DATABASE']}", connect_args={"timeout": 60}, pool_size=40, max_overflow=0
)
Database = sessionmaker(engine)


@event.listens_for(engine, "connect")
def sync_every_commit(connection, _record):
    """WAL, and every commit on disk before it returns."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


class Base(DeclarativeBase):
    """All tables."""


class LeadType(Base):
    """A kind of lead."""

    __tablename__ = "lead_type"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Lead(Base):
    """A person who wrote."""

    __tablename__ = "lead"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    phone: Mapped[str]
    email: Mapped[str] = mapped_column(index=True)
    message: Mapped[str | None]
    lead_type_id: Mapped[int] = mapped_column(ForeignKey("lead_type.id"))
    created_at: Mapped[datetime]


Base.metadata.create_all(engine)
with Database.begin() as setting_up:
    setting_up.add_all(LeadType(name=name) for name in ("General", "Sales", "Support"))


def text(longest: int):
    """Text of 1 to ``longest`` characters after trimming."""
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest)


class LeadIn(BaseModel):
    """What a website sends."""

    name: Annotated[str, text(200)]
    phone: Annotated[str, text(40), StringConstraints(pattern=r"^[0-9+(). /-]+$")]
    email: EmailStr
    message: Annotated[str, StringConstraints(max_length=5000)] | None = None
    lead_type_name: Annotated[str, StringConstraints(max_length=100)] | None = None


class LeadOut(LeadIn):
    """What it gets back."""

    id: int
    created_at: datetime


limiter = Limiter(key_func=get_remote_address)
app = FastAPI()
app.state.limiter = limiter
app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)


@app.post("/leads", status_code=201)
@limiter.limit("1000000000/day")
def create_lead(request: Request, lead: LeadIn) -> LeadOut:  # noqa: ARG001 (slowapi wants it)
    """Store one lead and commit."""
    # Not with a session from Depends: it is closed on a thread of its own, which under load is one of those that wait
    # for its connection, and nothing moves any more.
    with Database() as database:
        wanted = lead.lead_type_name or "General"
        lead_type = database.scalar(select(LeadType).where(LeadType.name == wanted))
        if lead_type is None:
            raise HTTPException(422, "unknown lead type")
        row = Lead(
            name=lead.name,
            phone=lead.phone,
            email=lead.email,
            message=lead.message,
            lead_type_id=lead_type.id,
            created_at=datetime.now(UTC),
        )
        database.add(row)
        database.commit()
        return LeadOut(id=row.id, created_at=row.created_at, **lead.model_dump())
