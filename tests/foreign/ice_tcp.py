"""ICE over TCP (RFC 6544) for aioice, which itself has UDP alone.

`use` gives every connection one local candidate, an active one of TCP, in place of those of UDP. This file opens the
streams and cuts them into frames (RFC 4571). Everything above a frame stays aioice's and aiortc's own: checks, nomination,
consent, DTLS and SRTP.
"""

import asyncio
import struct

import aioice.ice
from aioice.candidate import Candidate, candidate_foundation, candidate_priority

# An active candidate has no port of its own (RFC 6544 §4.5).
DISCARD = 9


class Stream(asyncio.Protocol):
    """One stream, and the frames that wait until it is open."""

    def __init__(self, address, receive):
        self.address, self.receive = address, receive
        self.transport, self.waiting, self.read = None, bytearray(), bytearray()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(bytes(self.waiting))

    def send(self, data):
        frame = struct.pack("!H", len(data)) + data
        if self.transport is None:
            self.waiting += frame
        else:
            self.transport.write(frame)

    def data_received(self, data):
        self.read += data
        while len(self.read) >= 2:
            end = 2 + int.from_bytes(self.read[:2], "big")
            if len(self.read) < end:
                return
            frame, self.read = bytes(self.read[2:end]), self.read[end:]
            self.receive(frame, self.address)


class Streams:
    """Stands where aioice has a socket for datagrams: a stream for each address that is sent to."""

    def __init__(self, protocol):
        self.protocol = protocol
        self.streams, self.openings = {}, []

    def sendto(self, data, address):
        if address not in self.streams:
            stream = self.streams[address] = Stream(address, self.protocol.datagram_received)
            opening = asyncio.get_running_loop().create_connection(lambda: stream, *address)
            self.openings.append(asyncio.ensure_future(opening))
        self.streams[address].send(data)

    def close(self):
        for opening in self.openings:
            opening.cancel()
        for stream in self.streams.values():
            if stream.transport is not None:
                stream.transport.close()
        self.protocol.connection_lost(None)


async def gather(connection, component, addresses, timeout=5):
    """In place of `aioice.ice.Connection.get_component_candidates`."""
    candidates = []
    for address in addresses:
        protocol = aioice.ice.StunProtocol(connection)
        protocol.connection_made(Streams(protocol))
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "tcp", address),
            component=component,
            transport="tcp",
            priority=candidate_priority(component, "host"),
            host=address,
            port=DISCARD,
            type="host",
            tcptype="active",
        )
        connection._protocols.append(protocol)
        candidates.append(protocol.local_candidate)
    return candidates


def use():
    aioice.ice.Connection.get_component_candidates = gather


def carriers(pc):
    """What carries the transports of a connection that is up: the kind of the pair that was nominated."""
    transports = {line.sender.transport.transport for line in pc.getTransceivers() if line.sender.transport}
    pairs = [pair for ice in transports for pair in ice._connection._nominated.values()]
    return sorted({pair.local_candidate.transport for pair in pairs})
