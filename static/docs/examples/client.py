"""A guest on the command line, without any library of Meeting: who is there, and what is said.

    pip install websockets
    python client.py ws://localhost:8080/ws <room identity or number> [name]
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


class Refused(Exception):
    """The server refused a request. Decide by the code; the message is for logs."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]


class Client:
    def __init__(self, socket, name):
        self.socket = socket
        self.name = name
        self.names = {}  # of participants, by their id
        self.unanswered = {}  # by request id
        self.last_id = 0

    async def request(self, kind, **data):
        """Sends a request and waits for its answer: there is exactly one."""
        self.last_id += 1
        answer = asyncio.get_running_loop().create_future()
        self.unanswered[self.last_id] = answer
        await self.socket.send(json.dumps({"type": kind, "id": self.last_id, "data": data}))
        return await answer

    async def read(self):
        """Reads frames until the server closes the socket."""
        async for text in self.socket:
            frame = json.loads(text)
            if frame["type"] in ("ok", "error"):
                self.answered(frame)
            else:
                await self.event(frame["type"], frame["data"])

    def answered(self, frame):
        waiting = self.unanswered.pop(frame["re"], None)
        if waiting is None:
            return
        if frame["type"] == "ok":
            waiting.set_result(frame["data"])
        else:
            waiting.set_exception(Refused(frame["error"]))

    async def event(self, kind, data):
        if kind == "participant.joined":
            print("came:", self.meet(data["participant"]), flush=True)
        elif kind == "participant.left":
            print(f"went: {self.names.get(data['participant'])} ({data['reason']})", flush=True)
        elif kind == "chat.message":
            message = data["message"]
            print(f"{message['display_name']}: {message['text']}", flush=True)
        elif kind == "lobby.admitted":
            # It carries what the answer to room.join would. Its request waits for an answer, which this very
            # function lets in: so it gets a task of its own.
            self.greeting = asyncio.create_task(self.joined(data))
        elif kind == "lobby.denied":
            sys.exit(f"not let in: {data['reason']}")
        # An event that is not known here is skipped: later servers may send more.

    def meet(self, participant):
        self.names[participant["id"]] = participant["display_name"]
        return participant["display_name"]

    async def enter(self, identity):
        await self.request("auth.guest", display_name=self.name)
        try:
            await self.joined(await self.request("room.join", identity=identity))
        except Refused as refused:
            if refused.code != "room.waiting":
                raise
            print("waiting to be let in", flush=True)

    async def joined(self, view):
        print(f'joined "{view["room"]["name"]}"', flush=True)
        for participant in view["participants"]:
            print(f"here: {self.meet(participant)} ({participant['role']})", flush=True)
        await self.request("chat.send", text=f"Hello, this is {self.name}.")


async def main(url, identity, name="Robot"):
    async with connect(url, subprotocols=["meeting.v1"]) as socket:
        hello = json.loads(await socket.recv())
        print("server:", hello["data"]["server"], flush=True)
        client = Client(socket, name)
        reading = asyncio.create_task(client.read())
        try:
            await client.enter(identity)
            await asyncio.shield(reading)
        except asyncio.CancelledError:
            # Ctrl-C: leave for good. A socket that only breaks counts as lost, and its person may come back.
            await client.request("room.leave")
            raise
        except Refused as refused:
            sys.exit(str(refused))
        except ConnectionClosed as closed:
            # 4404: the meeting is over.
            code = closed.rcvd.code if closed.rcvd else None
            sys.exit(0 if code == 4404 else f"closed: {closed}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: client.py <ws://server/ws> <room identity or number> [name]")
    try:
        asyncio.run(main(*sys.argv[1:4]))
    except KeyboardInterrupt:
        pass
