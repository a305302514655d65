"""Many machines: errands shared out by procrastinate on the ledger's own PostgreSQL. The only file that imports it.

The queue only says who works next. Its jobs carry an errand's ids and nothing else, and it may be lost: every look into
the ledger (a periodic job) fills it again. It lives in a schema of its own, :data:`SCHEMA`, which is made anew when the
installed procrastinate wants another one.

A worker gives signs of life; jobs of one that gives none are put back into the queue by the next look. That worker may
be alive, only stopped: what keeps it from doing work twice is not the queue but the locks of runs and targets
(:mod:`provisioning.engine.locks`), which end with its connection to PostgreSQL and not before.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

import procrastinate
import psycopg
from procrastinate import exceptions, jobs, retry
from psycopg import sql

from provisioning.engine.errands import (
    Carrier,
    Errand,
    Happening,
    PutOffError,
    Watcher,
    What,
    due,
    failed,
    wait_after,
)
from provisioning.errors import LedgerError, ProvisioningError
from provisioning.site.workers import Workers

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

SCHEMA = "provision_queue"
"""PostgreSQL schema of the queue, in the ledger's database."""

_SCHEMA_LOCK = 0x71756575  # "queu"
_LOOK_LOCK = 0x6C6F6F6B  # "look"
_ERRAND, _LOOK = "errand", "look"
_READY = 500
"""Jobs that the queue holds ready: more than all workers do between two looks. Who asks for the next job, and every
look, pays for all that wait; the ledger remembers the others."""
_AFTER_A_FAULT = 2.0
"""Seconds until a worker that lost the database tries again."""

_log = logging.getLogger(__name__)


@dataclass
class Queue:
    """One worker of several (an :class:`~provisioning.engine.errands.Engine`)."""

    ledger: Ledger
    carrier: Carrier
    watcher: Watcher
    settings: Workers
    _threads: ThreadPoolExecutor = field(init=False, repr=False)
    _stop: threading.Event = field(init=False, repr=False)
    _away: bool = field(default=False, init=False)

    def work(self, stop: threading.Event, *, once: bool = False) -> None:
        prepare(self.ledger)
        self._stop = stop
        self._threads = ThreadPoolExecutor(self.settings.concurrency, "errand")
        try:
            asyncio.run(self._work(once))
        finally:
            self._threads.shutdown(wait=False)

    async def _work(self, once: bool) -> None:
        while not self._stop.is_set():
            try:
                await self._be_a_worker(once)
            except (exceptions.ProcrastinateException, psycopg.Error, OSError) as exc:
                # The database went away, or others took this worker for dead: it comes back as a new one.
                reason = " ".join(str(exc.__cause__ or exc).split()) or type(exc).__name__
                if once:
                    raise LedgerError(f"the queue in {self.ledger.place} does not answer: {reason}") from exc
                if not self._away:
                    _log.warning("%s does not answer (%s); trying again until it does", self.ledger.place, reason)
                self._away = True
            if once:
                return
            await self._pause(_AFTER_A_FAULT)

    async def _be_a_worker(self, once: bool) -> None:
        app = self._app()
        async with app.open_async():
            new, seen = await self._look(app), set[Errand]()
            if self._away:
                self._away = False
                _log.warning("%s answers again", self.ledger.place)
            await self._run_jobs(app, wait=not once)
            while once and not self._stop.is_set():  # what comes of the work (entries for the desk) is due as well
                seen |= new
                new = await self._look(app)
                if new <= seen:
                    return
                await self._run_jobs(app, wait=False)

    async def _run_jobs(self, app: procrastinate.App, *, wait: bool) -> None:
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=self.settings.concurrency,
                wait=wait,
                fetch_job_polling_interval=self.settings.poll,
                update_heartbeat_interval=self.settings.heartbeat,
                stalled_worker_timeout=self.settings.stalled,
                delete_jobs=jobs.DeleteJobCondition.ALWAYS.value,
                install_signal_handlers=False,
            )
        )
        while not worker.done():
            await asyncio.wait({worker}, timeout=0.1)
            if self._stop.is_set():
                worker.cancel()  # procrastinate's way to say: no new jobs, wait for those under way
                break
        with suppress(asyncio.CancelledError):
            await worker

    async def _pause(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._stop.is_set() and loop.time() < until:
            await asyncio.sleep(0.1)

    def _app(self) -> procrastinate.App:
        words = {**self.ledger.server_arguments(), **_in_schema()}
        size = self.settings.concurrency + 3
        connector = procrastinate.PsycopgConnector(kwargs=words, min_size=1, max_size=size, timeout=10)
        app = procrastinate.App(connector=connector)

        async def run(context: procrastinate.JobContext, what: Any, number: int) -> None:
            await self._run(Errand(what, number), context.job.attempts + 1)

        async def look(timestamp: int) -> None:  # noqa: ARG001  (procrastinate's signature)
            await self._look(app)

        app.task(name=_ERRAND, retry=_Again(), pass_context=True)(run)
        cron = f"* * * * * */{self.settings.look}"  # the sixth field is seconds
        app.periodic(cron=cron)(app.task(name=_LOOK, queueing_lock=_LOOK)(look))
        return app

    async def _run(self, errand: Errand, attempts: int) -> None:
        if self._stop.is_set():
            raise PutOffError(0.0, "this worker is being stopped")
        self.watcher(Happening(errand, "begun"))
        try:
            loop = asyncio.get_running_loop()
            told = await loop.run_in_executor(self._threads, self.carrier, errand, self._stop)
        except PutOffError as exc:
            self.watcher(Happening(errand, "put off", str(exc)))
            raise
        except Exception as exc:
            self.watcher(failed(errand, exc, wait_after(attempts)))
            raise
        self.watcher(Happening(errand, "finished", told or ""))

    async def _look(self, app: procrastinate.App) -> set[Errand]:
        """Take over the jobs of workers that give no sign of life, then put into the queue what it does not hold: the
        errands that are new."""
        async with _alone_looking(app):
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self.settings.stalled):
                await self._take_over(app, job)
            held = {job.lock: job for job in await app.job_manager.list_jobs_async(task=_ERRAND)}
            room = _READY - sum(_is_ready(job) for job in held.values())
            try:
                limit = max(0, room) + len(held)
                wanted = await asyncio.to_thread(due, self.ledger, every=self.settings.schedule, limit=limit)
            except ProvisioningError as exc:
                _log.warning("the ledger cannot be read: %s", exc)
                return set()
            new = [errand for errand in dict.fromkeys(wanted) if str(errand) not in held]
            await _put(app, new)
            return set(new)

    async def _take_over(self, app: procrastinate.App, job: jobs.Job) -> None:
        try:
            if job.task_name == _LOOK:  # the next one comes by itself
                await app.job_manager.finish_job(job, jobs.Status.FAILED, delete_job=True)
                return
            await app.job_manager.retry_job(job, retry_at=datetime.now(UTC))
        except exceptions.ConnectorException:  # another worker's look was faster
            return
        errand = Errand(cast(What, job.task_kwargs["what"]), cast(int, job.task_kwargs["number"]))
        self.watcher(Happening(errand, "taken over", "its worker gives no sign of life"))


class _Again(retry.BaseRetryStrategy):
    """No errand is given up: what was put off comes when it said, what failed later and later."""

    def get_retry_decision(self, *, exception: BaseException, job: jobs.Job) -> retry.RetryDecision:
        seconds = exception.seconds if isinstance(exception, PutOffError) else wait_after(job.attempts + 1)
        return retry.RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=seconds))


@asynccontextmanager
async def _alone_looking(app: procrastinate.App) -> AsyncIterator[None]:
    """One look at a time, so that no errand is put in twice. A worker that stopped in the middle of its look keeps
    others waiting for a moment only: twice does no harm."""
    pool = cast(procrastinate.PsycopgConnector, app.connector).pool
    async with pool.connection() as connection, connection.transaction():
        with suppress(psycopg.errors.LockNotAvailable):
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '2s'")
                await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOOK_LOCK])
        yield


async def _put(app: procrastinate.App, errands: Sequence[Errand]) -> None:
    """All in one statement. Jobs of one lock are run one after another; should one be there twice, the second finds
    nothing left to do."""
    new = [
        app.configure_task(_ERRAND, lock=str(errand)).make_new_job(what=errand.what, number=errand.number)
        for errand in errands
    ]
    if new:
        await app.job_manager.batch_defer_jobs_async(new)


def _is_ready(job: jobs.Job) -> bool:
    """Whether a job waits for nothing but a worker."""
    return job.status == jobs.Status.TODO.value and (job.scheduled_at is None or job.scheduled_at <= datetime.now(UTC))


def prepare(ledger: Ledger) -> None:
    """Make the queue's schema, unless the one that is there is this procrastinate's. Raises :class:`LedgerError`."""
    wanted = procrastinate.schema.SchemaManager.get_schema()
    mark = sha256(wanted.encode()).hexdigest()
    try:
        with psycopg.connect(**ledger.server_arguments()) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_SCHEMA_LOCK])
            query = "SELECT obj_description(to_regnamespace(%s), 'pg_namespace')"
            found = connection.execute(query, [SCHEMA]).fetchone()
            if found is not None and found[0] == mark:
                return
            name = sql.Identifier(SCHEMA)
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
            connection.execute(sql.SQL("SET LOCAL search_path = {}").format(name))
            connection.execute(wanted)
            connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(name, sql.Literal(mark)))
    except psycopg.Error as exc:
        reason = str(exc).strip().splitlines()[0] if str(exc).strip() else type(exc).__name__
        raise LedgerError(f"the queue cannot be made in {ledger.place}: {reason}; the user needs CREATE there") from exc


def _in_schema() -> dict[str, str]:
    """Nobody waits for the disk: what a crash of the server takes from the queue, the next look puts in again."""
    return {"options": f"-c search_path={SCHEMA} -c synchronous_commit=off"}
