"""A server, or with a URL a client, of Python's websockets; see peers.ts."""

import asyncio
import json
import sys

import websockets


def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


async def serve(socket, *_):
    try:
        async for message in socket:
            if isinstance(message, str) and message.startswith("close "):
                _, code, reason = message.split(" ", 2)
                await socket.close(int(code), reason)
            else:
                await socket.send(message)
    except websockets.ConnectionClosed:
        pass
    await socket.wait_closed()
    say("close", code=socket.close_code, reason=socket.close_reason)


async def client(url):
    say("opening")
    async with websockets.connect(url, max_size=None) as socket:
        for message in ["from Python €", bytes(range(256)) * 1000]:
            await socket.send(message)
            answer = await socket.recv()
            say("message", bytes=len(answer), binary=isinstance(answer, bytes), same=answer == message)
        await socket.close(4001, "done")
        say("close", code=socket.close_code, reason=socket.close_reason)


async def main():
    if len(sys.argv) > 1:
        await client(sys.argv[1])
        return
    async with websockets.serve(serve, "127.0.0.1", 0, max_size=None) as server:
        say("listening", port=server.sockets[0].getsockname()[1])
        await asyncio.Future()


asyncio.run(main())
