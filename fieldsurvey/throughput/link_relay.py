"""The sockets of an emulated link: takes connections in, and carries their bytes through it.

One thread, no copies but the kernel's, asleep when nothing moves. Must not decide how fast
anything is: the bottlenecks do that.
"""

import contextlib
import selectors
import socket
import struct
from collections import deque
from collections.abc import Callable

from fieldsurvey.throughput.link_bottleneck import Bottleneck, Content, Ending

KERNEL_BUFFER_BYTES = 131_072  # asked for; Linux doubles it. Less stalls loopback's big segments
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class LinkEnd:
    """One socket of a relayed connection: a source of what it receives, a receiver for its peer.

    ``outward`` is the direction its bytes take. Ends close by themselves.
    """

    def __init__(
        self,
        sock: socket.socket,
        outward: Bottleneck,
        selector: selectors.BaseSelector,
        count: Callable[[int], None],
        *,
        connected: bool,
    ) -> None:
        self.peer: LinkEnd = self  # set by the relay once both ends are there
        self._sock = sock
        self._outward = outward
        self._selector = selector
        self._count = count
        self._connected = connected
        self._outbox: deque[Content] = deque()
        self._interest = 0
        self._read_to_end = False
        self._closed_outbox = False
        self._held_back = False  # the peer's outbox is not empty: reading waits for it
        if not connected:
            self._wait_for(_WRITE)

    @property
    def is_open(self) -> bool:
        return self._sock.fileno() >= 0

    def start_reading(self) -> None:
        """Stand in line for the link."""
        self._outward.announce(self)

    def fetch(self, most_bytes: int) -> bool:
        """Read once into the link; see :class:`~.link_bottleneck.Source`."""
        if self._read_to_end:
            return False
        if self.peer._outbox:
            self._held_back = True
            return False
        try:
            received = self._sock.recv(most_bytes)
        except BlockingIOError:
            self._wait_for(self._interest | _READ)
            return False
        except OSError:
            self._fail()
            return False
        if received:
            self._outward.put(self.peer, memoryview(received))
            return True
        self._read_to_end = True
        self._outward.put(self.peer, Ending.CLOSED)
        self._close_if_done()
        return False

    def deliver(self, content: Content) -> None:
        """Take what came through the link; nobody minds if this end is closed already."""
        if not self.is_open:
            return
        if content is Ending.RESET:
            self.reset()
            return
        self._outbox.append(content)
        if len(self._outbox) == 1 and self._connected:
            self._flush()

    def ready(self, events: int) -> None:
        """Called by the relay when the socket is ready for something it waits for."""
        if events & _WRITE and self._interest & _WRITE:
            self._writable()
        if events & _READ and self._interest & _READ:
            self._wait_for(self._interest & ~_READ)
            self.start_reading()

    def reset(self) -> None:
        """Close so that the other side sees a reset connection."""
        if self.is_open:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._close()

    def _writable(self) -> None:
        if not self._connected:
            if self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._fail()
                return
            self._connected = True
            self.start_reading()
        self._wait_for(self._interest & ~_WRITE)
        self._flush()

    def _flush(self) -> None:
        while self._outbox:
            content = self._outbox[0]
            try:
                if isinstance(content, Ending):
                    self._sock.shutdown(socket.SHUT_WR)
                    self._closed_outbox = True
                else:
                    sent = self._sock.send(content)
                    self._count(sent)
                    if sent < len(content):
                        self._outbox[0] = content[sent:]
                        continue
            except BlockingIOError:
                self._wait_for(self._interest | _WRITE)
                return
            except OSError:
                self._fail()
                return
            self._outbox.popleft()
        if self.peer._held_back:
            self.peer._held_back = False
            self.peer.start_reading()
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._read_to_end and self._closed_outbox:
            self._close()

    def _fail(self) -> None:
        """The socket broke: its peer learns it through the link, behind the bytes."""
        self._outward.put(self.peer, Ending.RESET)
        self._close()

    def _close(self) -> None:
        self._wait_for(0)
        self._read_to_end = True
        self._outbox.clear()
        self._sock.close()

    def _wait_for(self, interest: int) -> None:
        """Wait for ``interest`` on the socket; 0 for nothing, so that nothing wakes us."""
        if interest == self._interest:
            return
        if not self._interest:
            self._selector.register(self._sock, interest, self.ready)
        elif not interest:
            self._selector.unregister(self._sock)
        else:
            self._selector.modify(self._sock, interest, self.ready)
        self._interest = interest


class Relay:
    """Takes connections on ``listener`` through to ``target``, in the thread that calls ``run``.

    Raises OSError when ``target`` has no address.
    """

    def __init__(
        self,
        listener: socket.socket,
        target: tuple[str, int],
        up: Bottleneck,
        down: Bottleneck,
        count_up: Callable[[int], None],
        count_down: Callable[[int], None],
    ) -> None:
        self._listener = listener
        address_info = socket.getaddrinfo(*target, type=socket.SOCK_STREAM)[0]
        self._family, self._target = address_info[0], address_info[4]
        self._up, self._down = up, down
        self._count_up, self._count_down = count_up, count_down
        self._ends: list[LinkEnd] = []
        self._orders: deque[Callable[[], None]] = deque()
        self._running = True
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        listener.setblocking(False)
        self._selector.register(listener, _READ, self._accept)
        self._selector.register(self._wake_reader, _READ, self._obey)

    def run(self, step: Callable[[], float | None]) -> None:
        """Carry until :meth:`stop`. ``step`` moves the bottlenecks on and says when to be back."""
        try:
            wait_s: float | None = None
            while self._running:
                for key, events in self._selector.select(wait_s):
                    key.data(events)
                wait_s = step()
        finally:
            self._cut_all()
            self._selector.close()
            for sock in (self._listener, self._wake_reader, self._wake_writer):
                sock.close()

    def stop(self) -> None:
        """Make :meth:`run` return soon; from any thread."""
        self._order(self._end)

    def cut_all(self) -> None:
        """Reset all connections soon; from any thread."""
        self._order(self._cut_all)

    def _accept(self, _events: int) -> None:
        try:
            near, _ = self._listener.accept()
        except OSError:  # the client has gone again
            return
        far = socket.socket(self._family, socket.SOCK_STREAM)
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BUFFER_BYTES)
        for sock in (near, far):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):  # BlockingIOError, or one that SO_ERROR tells later
            far.connect(self._target)
        client = LinkEnd(near, self._up, self._selector, self._count_down, connected=True)
        server = LinkEnd(far, self._down, self._selector, self._count_up, connected=False)
        client.peer, server.peer = server, client
        self._ends = [end for end in self._ends if end.is_open] + [client, server]
        client.start_reading()

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.append(order)
        with contextlib.suppress(OSError):  # already stopped
            self._wake_writer.send(b"!")

    def _obey(self, _events: int) -> None:
        self._wake_reader.recv(4096)
        while self._orders:
            self._orders.popleft()()

    def _end(self) -> None:
        self._running = False

    def _cut_all(self) -> None:
        self._up.clear()
        self._down.clear()
        for end in self._ends:
            end.reset()
