"""The durable record of every run: one JSON document each, in a container that belongs to Landfall.

runs/<run_id>.json                     the run's record
snapshots/<run_id>/<drop>.json         the files it scores, with their etags (shared/work/stored_files.py)
days/<yyyy-mm-dd>/<time>_<run_id>      an empty pointer, that lists runs newest first (shared/core/pointer.py)
ended/<status>/…  of/<digest>/…        the same for runs that have ended so, and those of a landing that have ended
open/<run_id>                          an empty pointer to each run that has not ended, or whose jobs may turn up late
posts/<run_id>/<attempt>               says who alone may send this attempt's POST, or that nobody sends it
publications/<run_id>/<attempt>.json   the outputs that are published, as the first to list them saw them
unreadable/<run_id>                    says that the run's record cannot be read, and that this has been reported
purged/through                         up to which day the host was told to forget instances that had ended
told/<run_id>                          says that the log tells of the run's failure, or cancelation
doctor/<probe_id>.json                 a probe job of the doctor that is under way (shared/work/probing.py)
tallies/<route>.json                   the route's landings that are in order, for the sweep (shared/core/tally.py)
requests/<sha256>.json                 what a request was promised, by the digest of its id (shared/core/request.py)
slots/…  line/…                        who may have a job, and who waits for it (shared/work/admitting.py)
landings/<route>/<digest>.json         a landing's card, for people: what was last seen of it, and its latest run
standings/<route>.json                 who has paused the route, and resumed it (shared/core/pause.py)

Only a run's record, a route's tally and standing, slots, cards and probes are ever overwritten: over the version that
was read; and a record never by an older revision, and never once the run has ended. Everything else is written
once, or always with the same content (`unreadable`: the latest reason). So two calls that do the same at the same time
do no harm. A tally that is lost or cannot be read is begun anew by the next sweep. Nothing is decided by a card: one
that is lost or overtaken says less until the next look or run. Old cards may be removed. On an account with a
hierarchy, directories stay when the last pointer in them is gone; nothing minds that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from shared.core.acts import Cancel, Withdrawn
from shared.core.card import Card
from shared.core.location import Container, Location, is_safe
from shared.core.pause import UNREADABLE, Standing
from shared.core.pointer import DAYS, Pointer, at_the_end, pointer_named, pointer_to
from shared.core.record import Done, change, from_json, to_json
from shared.core.request import Promise
from shared.core.run import Progress, Run, read_run
from shared.core.snapshot import Frozen, FrozenFiles
from shared.core.spec import RunSpec
from shared.core.steps import Overtaken, Recorded
from shared.core.tally import Tally
from shared.errors import InputRefused, LandfallError, LedgerDamaged, Unavailable, UnknownVersion
from shared.ports import Blobs
from shared.threads import each
from shared.work.keeping import Kept
from shared.work.lines import Lines
from shared.work.stored_files import StoredFiles, stored_files, written

READS_AT_ONCE = 16
OUTPUTS = "list of outputs of run {}"

LATE_JOBS = timedelta(days=1)
"""How long after a run's end jobs of abandoned attempts are looked for."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A run whose record this program cannot read, and why. It is left as it is. `pointer`: where it was found."""

    run_id: str
    reason: str
    pointer: Pointer | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger in one container."""

    blobs: Blobs
    container: Container
    lists: Kept[FrozenFiles] = field(default_factory=Kept, compare=False)
    lines: Lines = field(default_factory=Lines, compare=False)

    def claim(self, run: Run, files: Iterable[Frozen]) -> Run | None:
        """Enter a new run; None when it was entered now, else the run that has been there before.

        The record is written last: where it is, the snapshot and the pointers are, too.
        """
        known = self.run(run.run_id)
        if known is not None:
            return known
        for pointer in (f"open/{run.run_id}", f"{DAYS}{pointer_to(run).name}"):
            self.point(pointer)
        self._keep_snapshot(run, files)
        entered = self.blobs.create(self._at(f"runs/{run.run_id}.json"), to_json(run))
        return None if entered else self.run(run.run_id)

    def promise(self, key: str) -> Promise | None:
        """What a request was promised, by the digest of its id; None if it is new. Raises UnknownVersion for a promise
        that this program cannot read."""
        stored = self.blobs.read(self._at(f"requests/{key}.json"))
        try:
            return None if stored is None else from_json(Promise, stored.content)
        except InputRefused as unreadable:
            told = f"What request {key} was promised cannot be read and was left unchanged: {unreadable}"
            raise UnknownVersion(told) from unreadable

    def keep_promise(self, key: str, promise: Promise, files: Iterable[Frozen]) -> Promise:
        """Keep what a request is promised, with the files of the runs that are to be claimed for it. What was promised
        first stays, and is answered to whoever comes later."""
        for run in promise.claims:
            self._keep_snapshot(run, files)
        if self.blobs.create(self._at(f"requests/{key}.json"), to_json(promise)):
            return promise
        return self.promise(key) or promise

    def run(self, run_id: str) -> Run | None:
        """A run's record; None if there is none. Raises UnknownVersion for one that this program cannot read."""
        stored = self.blobs.read(self._at(f"runs/{run_id}.json"))
        return None if stored is None else _read(run_id, stored.content)

    def has(self, run_id: str) -> bool:
        """Whether there is a record of that run, whoever can read it."""
        return self.blobs.stat(self._at(f"runs/{run_id}.json")) is not None

    def record(self, run_id: str, progress: Progress, spec: RunSpec | None) -> Recorded:
        """Bring a run's record up to date. A run that has ended stays as it is, and an older revision
        than the recorded one changes nothing: whoever has one, or another end, carries out a run of the past."""
        blob = self._at(f"runs/{run_id}.json")
        for _ in range(5):
            stored = self.blobs.read(blob)
            if stored is None:
                raise LedgerDamaged(f"The ledger has no record of run {run_id}; was {blob.url} deleted?")
            run = _read(run_id, stored.content)
            if progress.revision < run.revision or (run.has_ended and not _is_that_end(run, progress)):
                return Overtaken(run.status)
            if progress.revision == run.revision or self._replaced(run.with_progress(progress, spec), stored.etag):
                if progress.has_ended and not progress.abandoned:
                    self.blobs.delete(self._at(f"open/{run_id}"))
                return Done() if run.cancel is None else Withdrawn(run.cancel)
        raise Unavailable(f"Could not update the record of run {run_id}: it keeps changing.")

    def _replaced(self, run: Run, etag: str) -> bool:
        """Whether the record was still the one that was read. Where a run ends, its pointers are written before."""
        for pointer in at_the_end(run) if run.has_ended else ():
            self.point(pointer)
        return self.blobs.replace(self._at(f"runs/{run.run_id}.json"), to_json(run), etag=etag)

    def cancel(self, run_id: str, cancel: Cancel) -> Run | None:
        """Note that a run is to end, and answer its record. A run that has ended stays as it is, and who asked first
        counts. None: there is no such run."""
        blob = self._at(f"runs/{run_id}.json")
        for _ in range(5):
            stored = self.blobs.read(blob)
            if stored is None:
                return None
            run = _read(run_id, stored.content)
            if run.has_ended or run.cancel is not None:
                return run
            asked = change(run, cancel=cancel)
            if self.blobs.replace(blob, to_json(asked), etag=stored.etag):
                return asked
        raise Unavailable(f"Could not update the record of run {run_id}: it keeps changing. Ask again.")

    def tell_once(self, run_id: str, tell: Callable[[], None]) -> None:
        """Have the end of a run told of, unless it has been. It is noted afterwards, so that a call that is cut short
        in between has it told of twice rather than never."""
        blob = self._at(f"told/{run_id}")
        if self.blobs.stat(blob) is None:
            tell()
            self.blobs.replace(blob, b"", etag=None)

    def snapshot(self, run_id: str, drop: str) -> StoredFiles:
        """The files of a run's snapshot."""
        return stored_files(self.blobs, self.lists, self._snapshot(run_id, drop), f"snapshot of run {run_id}")

    def _keep_snapshot(self, run: Run, files: Iterable[Frozen]) -> None:
        at = self._snapshot(run.run_id, run.snapshot.drop)
        self.blobs.replace(at, to_json(written(self.blobs, at, files)), etag=None)

    def pin_outputs(self, run_id: str, attempt: int, outputs: Iterable[Frozen]) -> StoredFiles:
        """The outputs that are published: those that were pinned first, to whoever asks."""
        at = self._outputs(run_id, attempt)
        first = written(self.blobs, at, outputs)
        if self.blobs.create(at, to_json(first)):
            return StoredFiles(self.blobs, self.lists, at, OUTPUTS.format(run_id), first)
        return self.outputs(run_id, attempt)

    def outputs(self, run_id: str, attempt: int) -> StoredFiles:
        """The outputs that were pinned."""
        return stored_files(self.blobs, self.lists, self._outputs(run_id, attempt), OUTPUTS.format(run_id))

    def may_post(self, run_id: str, attempt: int, who: str) -> bool:
        """Whether `who` is the one to send this attempt's POST. True for one caller only, however often it asks."""
        blob = self._at(f"posts/{run_id}/{attempt}")
        if self.blobs.create(blob, who.encode()):
            return True
        # A create whose answer was lost is repeated by the storage client and then finds its own blob.
        stored = self.blobs.read(blob)
        return stored is not None and stored.content == who.encode()

    def may_be_posted(self, run_id: str, attempt: int) -> bool:
        """Whether this attempt's POST may have been sent."""
        return self.blobs.stat(self._at(f"posts/{run_id}/{attempt}")) is not None

    def newest(
        self,
        *,
        since: datetime | None = None,
        before: Pointer | None = None,
        keep: Callable[[Pointer], bool] = lambda _: True,
        root: str = DAYS,
    ) -> Iterator[Run | Unreadable]:
        """Runs that pointers below that root point to, from the newest to the oldest claimed, lazily: those that `keep`
        has read; with `since` none that was claimed before it, with `before` only older ones than that."""
        pointers = filter(keep, self.pointers(root, since=since, before=before))
        while some := list(islice(pointers, READS_AT_ONCE)):
            runs = each(self._readable, [pointer.run_id for pointer in some], at_once=READS_AT_ONCE)
            for pointer, run in zip(some, runs, strict=True):
                if isinstance(run, Unreadable):
                    yield replace(run, pointer=pointer)
                # A claim that was cut short and made again later has left a pointer by its first time, too.
                elif run is not None and pointer == pointer_to(run):
                    yield run

    def pointers(self, root: str, *, since: datetime | None = None, before: Pointer | None = None) -> Iterator[Pointer]:
        """The pointers below a root, the newest first, lazily."""
        since = since.astimezone(UTC) if since is not None else None
        for day in sorted(self.blobs.names(self.container, root, folders=True), reverse=True):
            if before is not None and day > f"{before.claimed:%Y-%m-%d}":
                continue
            if since is not None and day < f"{since:%Y-%m-%d}":
                return
            for name in sorted(self.blobs.names(self.container, f"{root}{day}/"), reverse=True):
                pointer = pointer_named(name.removeprefix(root))
                if pointer is None:
                    continue
                if since is not None and pointer.claimed < since:
                    return
                if before is None or pointer < before:
                    yield pointer

    def point(self, pointer: str) -> None:
        """Write a pointer, unless it is there."""
        self.blobs.replace(self._at(pointer), b"", etag=None)

    def note(self, name: str) -> str | None:
        """What was noted under that name; None if nothing was."""
        return None if (stored := self.blobs.read(self._at(name))) is None else stored.content.decode(errors="replace")

    def make_note(self, name: str, text: str) -> None:
        self.blobs.replace(self._at(name), text.encode(), etag=None)

    def open(self) -> Iterator[Run | Unreadable]:
        """Every run that has not ended, and some that have."""
        yield from (run for run in each(self._readable, self.names("open/"), at_once=READS_AT_ONCE) if run is not None)

    def unfinished(self, now: datetime) -> Iterator[Run | Unreadable]:
        """Every run that has not ended, and for some time those of which jobs may still turn up."""
        pointers = [file for file in self.blobs.list_below(self._at("open")) if is_safe(file.name)]
        runs = each(lambda pointer: self._readable(pointer.name), pointers, at_once=READS_AT_ONCE)
        for pointer, run in zip(pointers, runs, strict=True):
            is_over = isinstance(run, Run) and run.has_ended and (not run.abandoned or now - run.updated > LATE_JOBS)
            if run is None:
                # It is being claimed just now, or its claim was cut short. Whoever claims it again points to it anew.
                is_over = now - pointer.modified > LATE_JOBS
            if is_over:
                self.blobs.delete(self._at(f"open/{pointer.name}"))
            elif run is not None:
                yield run

    def report_once(self, unreadable: Unreadable) -> bool:
        """Whether it has not been reported yet that this run cannot be read for that reason."""
        blob, reason = self._at(f"unreadable/{unreadable.run_id}"), unreadable.reason.encode()
        stored = self.blobs.read(blob)
        if stored is not None and stored.content == reason:
            return False
        self.blobs.replace(blob, reason, etag=None)
        return True

    def tally(self, route: str) -> tuple[Tally | None, str | None]:
        """A route's tally, and the version to replace; None and None where there is none. A tally that this program
        cannot read counts as none, and is replaced."""
        stored = self.blobs.read(self._at(f"tallies/{route}.json"))
        if stored is None:
            return None, None
        try:
            return from_json(Tally, stored.content), stored.etag
        except InputRefused:
            return None, stored.etag

    def keep_tally(self, route: str, tally: Tally, *, etag: str | None) -> None:
        """Store a route's tally over the version that was read. Where somebody else was faster, theirs stays: the next
        sweep brings it up to date."""
        blob, content = self._at(f"tallies/{route}.json"), to_json(tally)
        if etag is None:
            self.blobs.create(blob, content)
        else:
            self.blobs.replace(blob, content, etag=etag)

    def standing(self, route: str) -> Standing:
        """What people have last asked of a route."""
        return self._stored_standing(route)[0]

    def change_standing(self, route: str, changed: Callable[[Standing], Standing]) -> Standing:
        """Change what is asked of a route, and answer what it was. Raises Unavailable when it keeps changing."""
        blob = self._at(f"standings/{route}.json")
        for _ in range(5):
            before, etag = self._stored_standing(route)
            after = changed(before)
            content = to_json(after)
            if after == before or (
                self.blobs.create(blob, content) if etag is None else self.blobs.replace(blob, content, etag=etag)
            ):
                return before
        raise Unavailable(f"Could not change what is asked of route {route}: it keeps changing. Ask again.")

    def standings(self) -> dict[str, Standing]:
        """What people have last asked of the routes that anything was ever asked of."""
        names = [name.removesuffix(".json") for name in self.names("standings/")]
        return dict(zip(names, each(self.standing, names, at_once=READS_AT_ONCE), strict=True))

    def card(self, key: str) -> Card | None:
        """The card of the landing with that key; None if it has none that this program can read."""
        return self._stored_card(key)[0]

    def update_card(self, key: str, updated: Callable[[Card | None], Card | None]) -> None:
        """Bring a landing's card up to date, over the version that is read. If it keeps changing, or `updated` says
        None, it stays as it is."""
        for _ in range(3):
            known, etag = self._stored_card(key)
            if (card := updated(known)) is None:
                return
            blob, content = self._card(key), to_json(card)
            if self.blobs.create(blob, content) if etag is None else self.blobs.replace(blob, content, etag=etag):
                return

    def cards(self, route: str | None) -> Iterator[tuple[str, datetime]]:
        """The keys of all landings that have a card, of one route or of all, and when it was last written. They are
        listed, not read."""
        folder = f"landings/{route}" if route is not None else "landings"
        for file in self.blobs.list_below(self._at(folder)):
            if not is_safe(file.name):
                continue
            of, _, digest = f"{folder}/{file.name}".removeprefix("landings/").removesuffix(".json").partition("/")
            yield f"{of}-{digest}", file.modified

    def check(self) -> None:
        """Raise Unavailable unless the container answers."""
        next(iter(self.blobs.names(self.container, DAYS, folders=True)), None)

    def names(self, folder: str, *, folders: bool = False) -> list[str]:
        """What, or which `folders`, a folder of the ledger holds. Anybody may write there: no unsafe name is told."""
        found = self.blobs.names(self.container, folder, folders=folders)
        return [name.removeprefix(folder) for name in found if is_safe(name)]

    def _readable(self, run_id: str) -> Run | Unreadable | None:
        try:
            return self.run(run_id)
        except UnknownVersion as unknown:
            return Unreadable(run_id, str(unknown))

    def _stored_standing(self, route: str) -> tuple[Standing, str | None]:
        stored = self.blobs.read(self._at(f"standings/{route}.json"))
        if stored is None:
            return Standing(), None
        try:
            return from_json(Standing, stored.content), stored.etag
        except InputRefused:
            return UNREADABLE, stored.etag

    def _stored_card(self, key: str) -> tuple[Card | None, str | None]:
        stored = self.blobs.read(self._card(key))
        if stored is None:
            return None, None
        try:
            return from_json(Card, stored.content), stored.etag
        except InputRefused:
            return None, stored.etag

    def _card(self, key: str) -> Location:
        route, _, digest = key.rpartition("-")
        return self._at(f"landings/{route}/{digest}.json")

    def _snapshot(self, run_id: str, drop: str) -> Location:
        return self._at(f"snapshots/{run_id}/{drop}.json")

    def _outputs(self, run_id: str, attempt: int) -> Location:
        return self._at(f"publications/{run_id}/{attempt}.json")

    def _at(self, path: str) -> Location:
        return Location(self.container, path)


def _read(run_id: str, content: bytes) -> Run:
    try:
        return read_run(content)
    except LandfallError as trouble:
        told = f"The record of run {run_id} cannot be read and was left unchanged: {trouble}"
        raise UnknownVersion(told) from trouble


def _is_that_end(run: Run, progress: Progress) -> bool:
    # An end that is entered again, since the answer was lost, has its time; a line of the past ends at another one.
    return (run.revision, run.status, run.timings) == (progress.revision, progress.status, progress.timings)
