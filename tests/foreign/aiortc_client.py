"""A media client on aiortc that knows nothing of the server but its wire protocol.

It is driven line by line: each line on stdin is a command `{"id": 1, "do": "join", …}`, each line on stdout the
answer `{"re": 1, "ok": {…}}` or `{"re": 1, "error": {"code": …, "message": …}}`. When stdin ends, so does the client.
`werift_client.mjs` takes the same commands.

connect {url}                          opens the socket and waits for hello
guest {name}                           auth.guest
join {identity}                        room.join
publish {codec?, candidates?, hue?, hz?, again?, as_written?, without?, sources?}
                                       media.publish and media.source of these sources, or of a microphone and a camera:
                                       each is sent from then on, whatever the server says of it; again: "new" makes a
                                       new connection, "same" offers once more on the one there is; without: a pattern,
                                       lines of the offer that match it are left out
receive {audio?, video?, candidates?, as_written?}
                                       media.receive and media.answer
report {}                              what arrived so far, by remote track, and how many packets, by slot
leave {}                               closes both connections, room.leave
request {type, data}                   any other request, answered as the server answers it

`candidates` says how they are told: "sdp" (in the description), "object", "string" (both after it), "early" (before),
"none". `as_written` takes the server's description as it came, without `spread`. With the flag `--tcp` nothing goes by UDP.
"""

import argparse
import asyncio
import fractions
import json
import math
import random
import re
import sys
import time
import zlib

import aioice.ice
import av
import ice_tcp
import websockets
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    rtcdtlstransport,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.sdp import candidate_from_sdp

PATIENCE = 10.0
SOURCES = ("microphone", "camera")
WIDTH, HEIGHT, FRAME_RATE = 320, 240, 15
SAMPLE_RATE, SAMPLES = 48_000, 960


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.error = error


class Signalling:
    """Requests and events over the socket."""

    def __init__(self, on_event):
        self.on_event = on_event
        self.waiting = {}
        self.next_id = 1
        self.closed = None

    async def connect(self, url):
        self.socket = await websockets.connect(url, subprotocols=["meeting.v1"], compression=None, proxy=None)
        hello = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))
        self.reader = asyncio.ensure_future(self.read())
        return hello["data"]

    async def read(self):
        try:
            async for text in self.socket:
                frame = json.loads(text)
                if frame["type"] in ("ok", "error") and frame.get("re") in self.waiting:
                    self.waiting.pop(frame["re"]).set_result(frame)
                else:
                    self.on_event(frame["type"], frame.get("data"))
        except websockets.ConnectionClosed:
            pass
        self.closed = self.socket.close_code
        for waiting in self.waiting.values():
            waiting.set_exception(ConnectionError(f"the socket closed with {self.closed}"))

    async def request(self, kind, **data):
        number, self.next_id = self.next_id, self.next_id + 1
        answer = self.waiting[number] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"type": kind, "id": number, "data": data}))
        frame = await asyncio.wait_for(answer, PATIENCE)
        if frame["type"] == "error":
            raise Refused(frame["error"])
        return frame["data"]


class Paced(MediaStreamTrack):
    """A track whose frames come at their own pace."""

    def __init__(self, step, rate):
        super().__init__()
        self.step, self.rate = step, rate
        self.count = -1
        self.began = None

    async def pace(self, frame_of):
        if self.readyState != "live":
            raise MediaStreamError
        self.count += 1
        if self.began is None:
            self.began = time.monotonic()
        wait = self.began + self.count * self.step / self.rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        frame = frame_of(self.count)
        frame.pts = self.count * self.step
        frame.time_base = fractions.Fraction(1, self.rate)
        return frame


class Tone(Paced):
    kind = "audio"

    def __init__(self, hz):
        super().__init__(SAMPLES, SAMPLE_RATE)
        self.hz = hz

    async def recv(self):
        return await self.pace(self.frame)

    def frame(self, count):
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        first = count * SAMPLES
        samples = bytearray()
        for index in range(first, first + SAMPLES):
            value = int(12_000 * math.sin(2 * math.pi * self.hz * index / SAMPLE_RATE))
            samples += value.to_bytes(2, "little", signed=True)
        frame.planes[0].update(bytes(samples))
        frame.sample_rate = SAMPLE_RATE
        return frame


class Pattern(Paced):
    """Grain of one hue, given as (U, V), and a bright bar that wanders over it."""

    kind = "video"

    def __init__(self, hue):
        super().__init__(90_000 // FRAME_RATE, 90_000)
        self.hue = hue
        grain = random.Random(1)
        self.lines = [bytes(grain.randrange(0x50, 0x70) for _ in range(WIDTH)) for _ in range(HEIGHT)]

    async def recv(self):
        return await self.pace(self.frame)

    def frame(self, count):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        at = count * 8 % (WIDTH - 32)
        bright = [line[:at] + b"\xe0" * 32 + line[at + 32 :] for line in self.lines]
        u, v = ([bytes([value]) * (WIDTH // 2)] * (HEIGHT // 2) for value in self.hue)
        for plane, rows in zip(frame.planes, (bright, u, v)):
            plane.update(b"".join(row.ljust(plane.line_size, b"\0") for row in rows))
        return frame


class Watch:
    """What one slot receives, and for which remote track."""

    def __init__(self, kind):
        self.kind = kind
        self.track = None
        self.seen = {}

    def carry(self, track):
        self.track = track

    async def follow(self, incoming):
        try:
            while True:
                frame = await incoming.recv()
                if self.track is not None:
                    tally = self.seen.setdefault(self.track, {"kind": self.kind, "frames": 0})
                    (self.look if self.kind == "video" else self.listen)(tally, frame)
        except MediaStreamError:
            pass

    @staticmethod
    def look(tally, frame):
        tally["frames"] += 1
        planes = frame.reformat(format="yuv420p").planes
        bodies = [bytes(plane) for plane in planes]
        # The middle of the picture, away from padding.
        tally["hue"] = [
            body[plane.line_size * (plane.height // 2) + plane.width // 2] for body, plane in zip(bodies[1:], planes[1:])
        ]
        tally["size"] = [frame.width, frame.height]
        shape = zlib.crc32(bodies[0])
        tally["changes"] = tally.get("changes", 0) + (shape != tally.get("shape"))
        tally["shape"] = shape

    @staticmethod
    def listen(tally, frame):
        tally["frames"] += 1
        channels = len(frame.layout.channels)
        left = memoryview(bytes(frame.planes[0])[: frame.samples * channels * 2]).cast("h")[::channels]
        energy = sum(sample * sample for sample in left) / (32768.0**2) / frame.sample_rate
        tally["energy"] = tally.get("energy", 0.0) + energy
        if energy * frame.sample_rate / frame.samples > 1e-4:
            rises = sum(1 for before, after in zip(left, left[1:]) if before < 0 <= after)
            tally["loud_seconds"] = tally.get("loud_seconds", 0.0) + frame.samples / frame.sample_rate
            tally["rises"] = tally.get("rises", 0) + rises
            tally["hz"] = tally["rises"] / tally["loud_seconds"]


class Client:
    def __init__(self):
        self.signalling = Signalling(self.event)
        self.up = self.down = None
        self.revision = 0
        self.watches = {}
        self.followers = []
        self.tracks = {}
        self.events = []

    # What the server says by itself.

    def event(self, kind, data):
        self.events.append(kind)
        if kind == "media.slots":
            self.slots(data["slots"])
        elif kind == "media.track.published":
            self.tracks[data["track"]["id"]] = data["track"]
        elif kind == "media.track.unpublished":
            self.tracks.pop(data["track"], None)
        elif kind == "participant.joined":
            self.note(data["participant"])
        elif kind == "media.offer":
            self.followers.append(asyncio.ensure_future(self.answer(data, "sdp")))
        elif kind == "media.candidate":
            self.followers.append(asyncio.ensure_future(self.candidate(data)))

    def note(self, participant):
        for track in participant["tracks"]:
            self.tracks[track["id"]] = track

    def slots(self, slots):
        for slot in slots:
            self.watches.setdefault(slot["mid"], Watch(slot["kind"])).carry(slot["track"])

    async def candidate(self, data):
        pc = self.up if data["connection"] == "up" else self.down
        text = data["candidate"]
        if pc is None or not text or not text["candidate"]:
            return
        candidate = candidate_from_sdp(text["candidate"].removeprefix("candidate:"))
        candidate.sdpMid, candidate.sdpMLineIndex = text["sdpMid"], text["sdpMLineIndex"]
        await pc.addIceCandidate(candidate)

    # Commands.

    async def connect(self, url):
        return await self.signalling.connect(url)

    async def guest(self, name):
        return await self.signalling.request("auth.guest", display_name=name)

    async def request(self, type, data=None):
        return await self.signalling.request(type, **(data or {}))

    async def join(self, identity):
        reply = await self.signalling.request("room.join", identity=identity)
        self.me = reply["self"]["id"]
        self.tracks = {}
        for participant in reply["participants"]:
            self.note(participant)
        return {"self": self.me, "participants": len(reply["participants"])}

    @staticmethod
    def connection():
        # Without an empty list aiortc asks a public STUN server; with another policy than this it loses all m-lines of a
        # second kind but the first.
        return RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))

    async def publish(
        self, codec=None, candidates="sdp", hue=(90, 200), hz=440, again="new", as_written=False, without=None, sources=SOURCES
    ):
        pc = self.up
        if pc is None or again == "new":
            if pc is not None:
                await pc.close()
            pc = self.up = self.connection()
            for source in sources:
                media = Tone(hz) if source in ("microphone", "screen_audio") else Pattern(hue)
                line = pc.addTransceiver(media, direction="sendonly")
                if codec and source == "camera":
                    known = RTCRtpSender.getCapabilities("video").codecs
                    line.setCodecPreferences([one for one in known if one.mimeType == f"video/{codec}"])
        await pc.setLocalDescription(await pc.createOffer())
        named = [{"mid": line.mid, "source": source} for line, source in zip(pc.getTransceivers(), sources)]
        self.revision += 1
        sdp = await self.tell_before("up", pc, candidates)
        if without:
            sdp = "\r\n".join(line for line in sdp.split("\r\n") if not re.match(without, line))
        answer = await self.signalling.request("media.publish", revision=self.revision, sdp=sdp, sources=named)
        described = answer["sdp"] if as_written else spread(answer["sdp"])
        await pc.setRemoteDescription(RTCSessionDescription(described, "answer"))
        await self.tell_after("up", pc, candidates)
        tracks = []
        for source in sources:
            started = await self.signalling.request("media.source", source=source, active=True)
            tracks.append(started["track"])
        await self.connected(pc)
        return {"revision": answer["revision"], "offer": sdp, "answer": answer["sdp"], "tracks": tracks, **self.transport(pc)}

    async def receive(self, audio=4, video=4, candidates="sdp", as_written=False):
        offer = await self.signalling.request("media.receive", audio_slots=audio, video_slots=video)
        await self.close_down()
        # Events about these slots may come while the answer is on its way.
        self.slots(offer["slots"])
        self.down = pc = self.connection()

        @pc.on("track")
        def follow(track):
            mid = next(one.mid for one in pc.getTransceivers() if one.receiver.track is track)
            self.followers.append(asyncio.ensure_future(self.watches[mid].follow(track)))

        answer = await self.answer(offer, candidates, as_written)
        await self.connected(pc)
        return {"revision": offer["revision"], "offer": offer["sdp"], "answer": answer, "slots": offer["slots"], **self.transport(pc)}

    async def answer(self, offer, candidates, as_written=False):
        pc = self.down
        sdp = offer["sdp"] if as_written else spread(offer["sdp"])
        await pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await pc.setLocalDescription(await pc.createAnswer())
        sdp = await self.tell_before("down", pc, candidates)
        await self.signalling.request("media.answer", revision=offer["revision"], sdp=sdp)
        await self.tell_after("down", pc, candidates)
        return sdp

    async def tell_before(self, leg, pc, how):
        """The description to send, and the candidates before it if that is asked for."""
        sdp = pc.localDescription.sdp
        if how == "sdp":
            return sdp
        lines = sdp.split("\r\n")
        if how == "early":
            await self.tell(leg, lines, "object")
        return "\r\n".join(line for line in lines if not line.startswith(("a=candidate:", "a=end-of-candidates")))

    async def tell_after(self, leg, pc, how):
        if how in ("object", "string"):
            await self.tell(leg, pc.localDescription.sdp.split("\r\n"), how)

    async def tell(self, leg, lines, how):
        index, mid, told, candidates = -1, None, set(), []
        for line in lines:
            if line.startswith("m="):
                index += 1
            elif line.startswith("a=mid:"):
                mid = line.removeprefix("a=mid:")
            elif line.startswith("a=candidate:") and line not in told:
                told.add(line)
                candidates.append((line.removeprefix("a="), index))
        for text, index in candidates:
            as_object = {"candidate": text, "sdpMid": mid, "sdpMLineIndex": index}
            await self.signalling.request("media.candidate", connection=leg, candidate=text if how == "string" else as_object)
        await self.signalling.request("media.candidate", connection=leg, candidate=None)

    @staticmethod
    async def connected(pc):
        done = asyncio.get_running_loop().create_future()

        def check():
            if not done.done() and pc.connectionState in ("connected", "failed", "closed"):
                done.set_result(pc.connectionState)

        pc.on("connectionstatechange", check)
        check()
        state = await asyncio.wait_for(done, PATIENCE)
        if state != "connected":
            raise ConnectionError(f"the media connection is {state}")

    @staticmethod
    def transport(pc):
        dtls = pc.getTransceivers()[0].sender.transport
        profile = dtls._ssl.get_selected_srtp_profile().decode()
        # BUNDLE: whatever the number of m-lines there is one transport.
        transports = {one.sender.transport for one in pc.getTransceivers() if one.sender.transport}
        tls = dtls._ssl.get_protocol_version_name()
        return {"srtp": profile, "transports": len(transports), "tls": tls, "carriers": ice_tcp.carriers(pc)}

    async def report(self):
        tracks = {}
        for watch in self.watches.values():
            for track, tally in watch.seen.items():
                shown = {key: value for key, value in tally.items() if key not in ("shape", "rises", "loud_seconds")}
                known = tracks.setdefault(track, shown)
                if known is not shown:
                    shown["frames"] += known["frames"]
                    tracks[track] = shown
        for track, tally in tracks.items():
            known = self.tracks.get(track, {})
            tally["participant"], tally["source"] = known.get("participant"), known.get("source")
        stats = {}
        for leg, pc in (("up", self.up), ("down", self.down)):
            if pc is not None:
                rows = (await pc.getStats()).values()
                stats[leg] = {
                    "state": pc.connectionState,
                    "lost": sum(row.packetsLost for row in rows if row.type.endswith("inbound-rtp")),
                }
        slots = {mid: watch.track for mid, watch in self.watches.items()}
        packets = {}
        for line in self.down.getTransceivers() if self.down else []:
            rows = (await line.receiver.getStats()).values()
            packets[line.mid] = sum(row.packetsReceived for row in rows if row.type == "inbound-rtp")
        return {"tracks": tracks, "slots": slots, "packets": packets, "known": self.tracks, "stats": stats, "closed": self.signalling.closed}

    async def close_down(self):
        if self.down is not None:
            await self.down.close()
        self.down = None
        self.watches = {}

    async def leave(self):
        await self.close_down()
        if self.up is not None:
            await self.up.close()
        self.up = None
        self.revision = 0
        return await self.signalling.request("room.leave")


def spread(sdp):
    """The same description with the first m-line's candidates in every m-line that has none: aiortc heeds those of the
    last m-line of a transport only."""
    session, *sections = sdp.split("\r\nm=")
    told = [line for line in sections[0].split("\r\n") if line.startswith(("a=candidate:", "a=end-of-candidates"))]
    sections = [one if "a=candidate:" in one else "\r\n".join([one.rstrip(), *told]) for one in sections]
    return "\r\nm=".join([session, *sections]) + "\r\n"


def say(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def carry_out(client, command):
    number, name = command.pop("id"), command.pop("do")
    try:
        say({"re": number, "ok": await getattr(client, name)(**command)})
    except Refused as refusal:
        say({"re": number, "error": refusal.error})
    except Exception as error:  # noqa: BLE001 - the test that drives this client is told
        say({"re": number, "error": {"code": "client", "message": f"{name}: {type(error).__name__}: {error}"}})


async def main():
    options = argparse.ArgumentParser()
    options.add_argument("--srtp", choices=["any", "gcm", "cm"], default="any")
    options.add_argument("--tcp", action="store_true")
    given = options.parse_args()
    srtp = given.srtp
    if given.tcp:
        ice_tcp.use()
    if srtp != "any":
        rtcdtlstransport.SRTP_PROFILES = {
            "gcm": [rtcdtlstransport.SRTP_AEAD_AES_128_GCM],
            "cm": [rtcdtlstransport.SRTP_AES128_CM_SHA1_80],
        }[srtp]
    # aioice leaves this machine's own network out, and tests use nothing else.
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]

    client = Client()
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        await carry_out(client, json.loads(line))
    for pc in (client.up, client.down):
        if pc is not None:
            await pc.close()


asyncio.run(main())
