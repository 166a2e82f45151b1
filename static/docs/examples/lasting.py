"""The guest of client.py, who comes back after a lost socket as if nothing had been.

    pip install websockets
    python lasting.py ws://localhost:8080/ws <room identity or number> [name]
"""

import asyncio
import json
import random
import sys

from client import Client, Refused
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

# After these codes there is nothing to come back to, or somebody else has to do something first.
FINAL = (1000, 1002, 1007, 1009, 4400, 4401, 4403, 4404, 4409)


class LastingClient(Client):
    """Keeps four things: its session, the newest resume token, the newest seq, and the requests without an answer."""

    def __init__(self, url, name):
        super().__init__(None, name)
        self.url = url
        self.session = None
        self.resume_token = None
        self.last_seq = 0
        self.frames = {}  # of requests that have no answer, by their ids

    async def open(self):
        """Opens a socket; answers it and what its hello says."""
        socket = await connect(self.url, subprotocols=["meeting.v1"])
        return socket, json.loads(await socket.recv())["data"]

    async def request(self, kind, **data):
        self.last_id += 1
        answer = asyncio.get_running_loop().create_future()
        self.unanswered[self.last_id] = answer
        frame = json.dumps({"type": kind, "id": self.last_id, "data": data})
        self.frames[self.last_id] = frame
        try:
            await self.socket.send(frame)
        except WebSocketException:
            pass  # It is sent again on the next socket.
        return await answer

    def answered(self, frame):
        self.frames.pop(frame["re"], None)
        if frame["type"] == "ok" and "resume_token" in frame["data"]:
            self.resume_token = frame["data"]["resume_token"]
        super().answered(frame)

    async def read(self):
        async for text in self.socket:
            frame = json.loads(text)
            if frame["type"] in ("ok", "error"):
                self.answered(frame)
                continue
            seq = frame.get("seq")  # Lossy events have none.
            if seq is not None:
                if seq <= self.last_seq:
                    continue
                self.last_seq = seq
            await self.event(frame["type"], frame["data"])

    async def live(self):
        """Reads, and comes back, until there is nothing to come back to. Answers the code of the last close."""
        while True:
            try:
                await self.read()
            except WebSocketException:
                pass
            if self.socket.close_code in FINAL:
                return self.socket.close_code
            print("the connection is lost", flush=True)
            await self.come_back()

    async def come_back(self):
        """At once, then after pauses that grow."""
        pause = 0
        while not await self.resume():
            pause = min(max(2 * pause, 0.2), 10)
            await asyncio.sleep(random.uniform(pause / 2, pause))

    async def resume(self):
        """Takes the session up on another socket; false when it is to be tried again."""
        # An id that no request has which waits for an answer.
        self.last_id += 1
        data = {"session": self.session, "resume_token": self.resume_token, "last_seq": self.last_seq}
        try:
            # This hello names another session, which nobody needs.
            socket, _ = await self.open()
            await socket.send(json.dumps({"type": "session.resume", "id": self.last_id, "data": data}))
            reply = json.loads(await socket.recv())
        except (OSError, WebSocketException):
            return False
        if reply["type"] != "ok":
            await socket.close()
            if reply["type"] == "error" and reply["error"]["code"] == "session.gone":
                raise Refused(reply["error"])
            return False
        self.socket = socket
        self.resume_token = reply["data"]["resume_token"]
        if "view" in reply["data"]:
            # Too much happened to be told one by one. The view takes the place of all that was known of the room: None
            # when one is in no room, {"waiting": …} at a room's door.
            self.last_seq = reply["data"]["seq"]
            for participant in (reply["data"]["view"] or {}).get("participants", []):
                self.meet(participant)
        print("back again", flush=True)
        # The same frames under the same ids: what was carried out already gets its first answer.
        for frame in list(self.frames.values()):
            await socket.send(frame)
        return True


async def main(url, identity, name="Robot"):
    client = LastingClient(url, name)
    client.socket, hello = await client.open()
    client.session = hello["session"]
    living = asyncio.create_task(client.live())
    try:
        await client.enter(identity)
        code = await asyncio.shield(living)
    except asyncio.CancelledError:
        await client.request("room.leave")
        raise
    except Refused as refused:
        sys.exit(str(refused))
    sys.exit(0 if code == 4404 else f"closed: {code}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: lasting.py <ws://server/ws> <room identity or number> [name]")
    try:
        asyncio.run(main(*sys.argv[1:4]))
    except KeyboardInterrupt:
        pass
