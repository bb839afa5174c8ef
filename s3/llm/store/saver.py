"""Group commits: whatever arrives in one turn of the event loop is stored in one transaction."""

from __future__ import annotations

import asyncio

from s3.llm.store import Record, Store


class Saver:
    """The store as an event loop writes to it; a reply is stored before anyone sees it."""

    def __init__(self) -> None:
        self._store = Store()
        self._unsaved: list[tuple[Record, asyncio.Future[bytes]]] = []

    async def save(self, record: Record) -> bytes:
        """Store a reply; return the one that the store holds from now on."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        if not self._unsaved:
            loop.call_soon(self.flush)
        self._unsaved.append((record, future))
        return await future

    def flush(self) -> None:
        """Commit what has arrived."""
        unsaved, self._unsaved = self._unsaved, []
        if not unsaved:
            return
        try:
            held = self._store.put(record for record, _ in unsaved)
        except Exception as error:
            for _, future in unsaved:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), reply in zip(unsaved, held, strict=True):
            if not future.done():
                future.set_result(reply)

    def close(self) -> None:
        """Commit and close."""
        self.flush()
        self._store.close()
