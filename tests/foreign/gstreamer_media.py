"""The media of a client on GStreamer's webrtcbin, without any signalling: `gstreamer_client.mjs` carries the descriptions.

It is driven line by line as the clients are: each line on stdin is a command `{"id": 1, "do": "offer", …}`, each line on
stdout the answer `{"re": 1, "ok": {…}}` or `{"re": 1, "error": {…}}`. When stdin ends, so does the process.

offer {hue, hz, codec}     starts a camera and a microphone, answers the offer with every candidate in it
accept {sdp}               takes the answer to it, answers once the connection stands
answer {sdp}               takes an offer, answers the answer with every candidate in it
connected {leg}            answers once that connection stands
carry {mid, track}         what comes for this m-line belongs to this track from now on, or to none
report {}                  what arrived and was decoded so far, by track
close {leg}                ends that connection
"""

import argparse
import json
import os
import sys
import threading
import zlib

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, GObject, Gst, GstSdp, GstWebRTC  # noqa: E402

PATIENCE_SECONDS = 10
WIDTH, HEIGHT, FRAME_RATE = 320, 240, 15
SAMPLE_RATE = 48_000
ENCODERS = {
    "VP8": "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=30 ! rtpvp8pay picture-id-mode=15-bit",
}
DECODERS = {
    "VP8": "rtpvp8depay ! vp8dec ! videoconvert ! video/x-raw,format=I420",
    "OPUS": f"rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=S16LE,channels=1,rate={SAMPLE_RATE}",
}
KEPT = []


class Fault(Exception):
    """Something that this client cannot do, in words."""


class Pattern:
    """Grain of one hue, given as (U, V), and a bright bar that wanders over it."""

    def __init__(self, hue):
        self.chroma = b"".join(bytes([value]) * (WIDTH * HEIGHT // 4) for value in hue)
        grain = os.urandom(WIDTH * HEIGHT)
        self.lines = [
            bytes(0x50 + value % 0x20 for value in grain[row * WIDTH : (row + 1) * WIDTH]) for row in range(HEIGHT)
        ]
        self.count = 0

    def frame(self):
        at = self.count * 8 % (WIDTH - 32)
        self.count += 1
        luma = b"".join(line[:at] + b"\xe0" * 32 + line[at + 32 :] for line in self.lines)
        return luma + self.chroma


class Watch:
    """What one m-line brings, and for which remote track."""

    def __init__(self):
        self.track = None
        self.seen = {}

    def tally(self, kind):
        if self.track is None:
            return None
        return self.seen.setdefault(self.track, {"kind": kind, "frames": 0})

    def look(self, sample):
        tally = self.tally("video")
        if tally is None:
            return
        shape = sample.get_caps().get_structure(0)
        width, height = shape.get_value("width"), shape.get_value("height")
        data = sample.get_buffer().extract_dup(0, sample.get_buffer().get_size())
        # GStreamer's I420 (GstVideoFormat): each row is filled up to four bytes.
        luma, chroma = (width + 3) // 4 * 4, ((width + 1) // 2 + 3) // 4 * 4
        planes = luma * height
        middle = chroma * (height // 4) + width // 4
        tally["frames"] += 1
        tally["hue"] = [data[planes + middle], data[planes + chroma * ((height + 1) // 2) + middle]]
        tally["size"] = [width, height]
        shape = zlib.crc32(data[:planes])
        tally["changes"] = tally.get("changes", 0) + (shape != tally.get("shape"))
        tally["shape"] = shape

    def listen(self, sample):
        tally = self.tally("audio")
        if tally is None:
            return
        data = sample.get_buffer().extract_dup(0, sample.get_buffer().get_size())
        samples = memoryview(data).cast("h")
        energy = sum(one * one for one in samples) / 32768.0**2
        tally["frames"] += 1
        tally["energy"] = tally.get("energy", 0.0) + energy / SAMPLE_RATE
        if energy / max(len(samples), 1) > 1e-4:
            tally["loud"] = tally.get("loud", 0) + len(samples)
            tally["rises"] = tally.get("rises", 0) + sum(1 for a, b in zip(samples, samples[1:]) if a < 0 <= b)
            tally["hz"] = tally["rises"] * SAMPLE_RATE / tally["loud"]


class Leg:
    """One connection: a pipeline with one webrtcbin, and what it sends."""

    def __init__(self, sources, tcp):
        self.pipeline = Gst.Pipeline.new()
        self.peer = Gst.ElementFactory.make("webrtcbin")
        self.peer.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.peer.set_property("latency", 50)
        self.pipeline.add(self.peer)
        for source in sources:
            chain = Gst.parse_bin_from_description(source, True)
            self.pipeline.add(chain)
            chain.link(self.peer)
        agent = self.peer.get_property("ice-agent")
        # Python takes the only reference that webrtcbin has (it is a floating one), so that one more is kept for it.
        KEPT.append(GObject.Value(GObject.Object, agent))
        agent.set_property("ice-udp", not tcp)
        # libnice leaves this machine's own network out, and tests use nothing else.
        agent.emit("add-local-ip-address", "127.0.0.1")
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", lambda _, message: sys.stderr.write(f"{message.parse_error()}\n"))

    def play(self):
        self.pipeline.set_state(Gst.State.PLAYING)

    def promised(self, signal, *arguments):
        promise = Gst.Promise.new()
        self.peer.emit(signal, *arguments, promise)
        promise.wait()
        reply = promise.get_reply()
        if reply is not None and reply.has_field("error"):
            raise Fault(f"{signal}: {reply.get_value('error')}")
        return promise

    def described(self, kind, signal):
        # What a promise brings lives as long as the promise and its reply.
        made = self.promised(signal, None)
        reply = made.get_reply()
        description = reply.get_value(kind)
        self.promised("set-local-description", description)
        gathered = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        wait(lambda: self.peer.get_property("ice-gathering-state") == gathered, "gathering")
        return self.peer.get_property("local-description").sdp.as_text()

    def take(self, kind, sdp):
        result, message = GstSdp.SDPMessage.new_from_text(sdp)
        if result != GstSdp.SDPResult.OK:
            raise Fault(f"the description is {result.value_nick}")
        self.promised("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(kind, message))

    def connected(self):
        state = GstWebRTC.WebRTCPeerConnectionState

        def stands():
            now = self.peer.get_property("connection-state")
            if now in (state.FAILED, state.CLOSED):
                raise Fault(f"the media connection is {now.value_nick}")
            return now == state.CONNECTED

        wait(stands, "connecting")

    def close(self):
        self.pipeline.set_state(Gst.State.NULL)


def wait(holds, what):
    """Lets GStreamer work until something holds."""
    context = GLib.MainContext.default()
    late = []
    GLib.timeout_add_seconds(PATIENCE_SECONDS, lambda: late.append(True))
    tick = GLib.timeout_add(20, lambda: True)
    try:
        while not holds():
            if late:
                raise Fault(f"{what} took too long")
            context.iteration(True)
    finally:
        GLib.source_remove(tick)


class Client:
    def __init__(self, tcp):
        self.tcp = tcp
        self.legs = {}
        self.watches = {}
        self.beat = None

    def offer(self, hue, hz, codec="VP8"):
        self.close("up")
        caps = f"video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FRAME_RATE}/1"
        camera = (
            f"appsrc name=camera is-live=true do-timestamp=true format=time caps={caps} ! queue ! {ENCODERS[codec]} pt=96"
            f" ! capsfilter caps=application/x-rtp,media=video,encoding-name={codec},payload=96,clock-rate=90000"
        )
        microphone = (
            f"audiotestsrc is-live=true freq={hz} volume=0.4 ! audio/x-raw,rate={SAMPLE_RATE},channels=1"
            " ! opusenc frame-size=20 ! rtpopuspay pt=111"
            " ! capsfilter caps=application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000"
        )
        leg = self.legs["up"] = Leg([camera, microphone], self.tcp)
        for index in range(2):
            line = leg.peer.emit("get-transceiver", index)
            line.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
            line.set_property("do-nack", True)
        camera, pattern = leg.pipeline.get_by_name("camera"), Pattern(hue)

        def next_frame():
            camera.emit("push-buffer", Gst.Buffer.new_wrapped(pattern.frame()))
            return True

        self.beat = GLib.timeout_add(1000 // FRAME_RATE, next_frame)
        leg.play()
        return leg.described("offer", "create-offer")

    def accept(self, sdp):
        self.legs["up"].take(GstWebRTC.WebRTCSDPType.ANSWER, sdp)

    def answer(self, sdp):
        self.close("down")
        leg = self.legs["down"] = Leg([], self.tcp)
        leg.peer.connect("pad-added", self.incoming)
        leg.play()
        leg.take(GstWebRTC.WebRTCSDPType.OFFER, sdp)
        return leg.described("answer", "create-answer")

    def incoming(self, peer, pad):
        if pad.get_property("direction") != Gst.PadDirection.SRC:
            return
        codec = pad.get_current_caps().get_structure(0).get_string("encoding-name")
        mid = pad.get_property("transceiver").get_property("mid")
        watch = self.watches.setdefault(mid, Watch())
        chain = Gst.parse_bin_from_description(
            f"queue ! {DECODERS[codec]} ! appsink name=sink emit-signals=true sync=false max-buffers=30 drop=true", True
        )
        take = watch.listen if codec == "OPUS" else watch.look

        def new_sample(sink):
            take(sink.emit("pull-sample"))
            return Gst.FlowReturn.OK

        chain.get_by_name("sink").connect("new-sample", new_sample)
        self.legs["down"].pipeline.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def connected(self, leg):
        self.legs[leg].connected()

    def carry(self, mid, track):
        self.watches.setdefault(mid, Watch()).track = track

    def report(self):
        tracks = {}
        for watch in self.watches.values():
            for track, tally in list(watch.seen.items()):
                tracks[track] = {key: value for key, value in tally.items() if key not in ("shape", "rises", "loud")}
        states = {name: leg.peer.get_property("connection-state").value_nick for name, leg in self.legs.items()}
        return {"tracks": tracks, "states": states}

    def close(self, leg):
        if leg == "up" and self.beat is not None:
            GLib.source_remove(self.beat)
            self.beat = None
        if leg in self.legs:
            self.legs.pop(leg).close()
        if leg == "down":
            self.watches = {}


def say(line):
    try:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # The program that drives this one is gone, and nobody reads any more.
        pass


def carry_out(client, line):
    command = json.loads(line)
    number, name = command.pop("id"), command.pop("do")
    try:
        say({"re": number, "ok": getattr(client, name)(**command)})
    except Exception as error:  # noqa: BLE001 - the program that drives this one is told
        say({"re": number, "error": {"code": "client", "message": f"{name}: {type(error).__name__}: {error}"}})
    return GLib.SOURCE_REMOVE


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--tcp", action="store_true", help="gathers no candidates of UDP")
    tcp = options.parse_args().tcp
    Gst.init(None)
    client, loop = Client(tcp), GLib.MainLoop()

    def read():
        for line in sys.stdin:
            GLib.idle_add(carry_out, client, line)
        GLib.idle_add(loop.quit)

    threading.Thread(target=read, daemon=True).start()
    loop.run()
    for leg in ("up", "down"):
        client.close(leg)


main()
