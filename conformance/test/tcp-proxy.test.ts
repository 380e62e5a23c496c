import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { pollUntil } from "../../packages/services/src/poll-until.ts";
import { runCaptured } from "../../scripts/run-captured.ts";
import { tcpProxy, type TcpProxy } from "../src/wire/tcp-proxy.ts";

/** Answers each line with the same line, and remembers what it was asked. */
async function echoServer(): Promise<{ port: number; asked: string[]; sockets: Set<Socket> }> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("data", (data) => {
      asked.push(data.toString());
      socket.write(data);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, asked, sockets };
}

async function client(proxy: TcpProxy): Promise<{ socket: Socket; received: () => string; closed: () => boolean }> {
  let received = "";
  const socket = connect({ host: proxy.host, port: proxy.port });
  socket.on("error", () => {});
  socket.on("data", (data) => {
    received += data.toString();
  });
  await once(socket, "connect");
  onTestFinished(() => void socket.destroy());
  return { socket, received: () => received, closed: () => socket.closed };
}

async function setUp(): Promise<{ proxy: TcpProxy; server: Awaited<ReturnType<typeof echoServer>> }> {
  const server = await echoServer();
  const proxy = await tcpProxy({ target: { host: "127.0.0.1", port: server.port } });
  onTestFinished(() => proxy.close());
  return { proxy, server };
}

describe("tcpProxy", () => {
  it("passes both ways, and ends with either side", async () => {
    const { proxy, server } = await setUp();
    const one = await client(proxy);
    one.socket.write("hello");
    await pollUntil(() => one.received() === "hello", { what: "the echo" });
    expect(proxy.connections).toBe(1);
    one.socket.end();
    await pollUntil(() => one.closed() && server.sockets.size === 0, { what: "both sides to close" });
    await pollUntil(() => proxy.connections === 0, { what: "the proxy to forget it" });
  });

  it("passes more than its buffers hold", async () => {
    const { proxy } = await setUp();
    const one = await client(proxy);
    const text = "x".repeat(8 * 1024 * 1024);
    one.socket.write(text);
    await pollUntil(() => one.received().length >= text.length, { what: "all of it" });
    expect(one.received() === text).toBe(true);
  });

  it("cut resets what is open and what is new, until heal", async () => {
    const { proxy, server } = await setUp();
    const one = await client(proxy);
    one.socket.write("hello");
    await pollUntil(() => one.received() === "hello", { what: "the echo" });
    proxy.cut();
    await pollUntil(() => one.closed() && server.sockets.size === 0, { what: "both sides to close" });
    const two = connect({ host: proxy.host, port: proxy.port });
    await expect(once(two, "end")).rejects.toThrow(/ECONNRESET/);
    proxy.heal();
    const three = await client(proxy);
    three.socket.write("again");
    await pollUntil(() => three.received() === "again", { what: "the echo" });
    expect(server.asked).toEqual(["hello", "again"]);
  });

  it("holds answers that the server has given, and loses them when cut", async () => {
    const { proxy, server } = await setUp();
    const one = await client(proxy);
    const held = proxy.holdAnswers();
    one.socket.write("write");
    await held.arrived;
    expect(server.asked).toEqual(["write"]);
    proxy.cut();
    await pollUntil(() => one.closed(), { what: "the connection to close" });
    expect(one.received()).toBe("");
  });

  it("delivers held answers at heal, in order", async () => {
    const { proxy, server } = await setUp();
    const one = await client(proxy);
    const held = proxy.holdAnswers();
    one.socket.write("a");
    await held.arrived;
    one.socket.write("b");
    await pollUntil(() => server.asked.join("") === "ab", { what: "both requests" });
    expect(one.received()).toBe("");
    proxy.heal();
    one.socket.write("c");
    await pollUntil(() => one.received() === "abc", { what: "all answers" });
  });

  it("holds only answers to requests with a text, also one sent in pieces", async () => {
    const { proxy, server } = await setUp();
    const writer = await client(proxy);
    const reader = await client(proxy);
    const held = proxy.holdAnswers({ whenRequestIncludes: "task-7" });
    writer.socket.write("finish ta");
    await pollUntil(() => server.asked.length === 1, { what: "the first piece" });
    writer.socket.write("sk-7");
    await held.arrived;
    reader.socket.write("read task-8");
    await pollUntil(() => reader.received() === "read task-8", { what: "the other's answer" });
    expect(writer.received()).toBe("finish ta");
  });

  it("counts what is asked and answered, and holds the one that it is told to before the server gets it", async () => {
    const { proxy, server } = await setUp();
    const [one, two] = [await client(proxy), await client(proxy)];
    one.socket.write("a");
    await pollUntil(() => one.received() === "a", { what: "the first answer" });
    expect(proxy.turns).toBe(1);
    const held = proxy.holdTurn(2, "request");
    two.socket.write("b");
    await pollUntil(() => two.received() === "b", { what: "the answer that is not held" });
    one.socket.write("c");
    await held.arrived;
    two.socket.write("d");
    await pollUntil(() => two.received() === "bd", { what: "answers to others" });
    expect(server.asked).toEqual(["a", "b", "d"]);
    held.release();
    held.release();
    await pollUntil(() => one.received() === "ac", { what: "the answer that was held" });
    expect(proxy.turns).toBe(4);
  });

  it("holds a turn before the client gets its answer, and none once it was released", async () => {
    const { proxy, server } = await setUp();
    const one = await client(proxy);
    const held = proxy.holdTurn(1, "answer");
    one.socket.write("a");
    await held.arrived;
    expect({ asked: server.asked, received: one.received() }).toEqual({ asked: ["a"], received: "" });
    held.release();
    await pollUntil(() => one.received() === "a", { what: "the answer" });
    proxy.holdTurn(1, "request").release();
    one.socket.write("b");
    await pollUntil(() => one.received() === "ab", { what: "an answer that nobody holds" });
  });

  it("frozen passes nothing and closes nothing, until heal", async () => {
    const { proxy, server } = await setUp();
    const one = await client(proxy);
    one.socket.write("before");
    await pollUntil(() => one.received() === "before", { what: "the echo" });
    proxy.freeze();
    one.socket.write(" after");
    const other = await echoServer();
    const throughOther = connect({ host: "127.0.0.1", port: other.port });
    onTestFinished(() => void throughOther.destroy());
    throughOther.write("a round trip past the proxy: time enough for a leak");
    await once(throughOther, "data");
    expect({ asked: server.asked, closed: one.closed() }).toEqual({ asked: ["before"], closed: false });
    proxy.heal();
    await pollUntil(() => one.received() === "before after", { what: "the rest" });
  });

  it("puts itself into a URL", async () => {
    const { proxy } = await setUp();
    expect(proxy.through("postgres://user:secret@example.test:5432/db?a=b")).toBe(
      `postgres://user:secret@127.0.0.1:${proxy.port}/db?a=b`,
    );
  });

  it("reads its target from a URL, and wants a port in it", async () => {
    const server = await echoServer();
    await using proxy = await tcpProxy({ target: `postgres://127.0.0.1:${server.port}/db` });
    const one = await client(proxy);
    one.socket.write("hello");
    await pollUntil(() => one.received() === "hello", { what: "the echo" });
    await expect(tcpProxy({ target: "postgres://127.0.0.1/db" })).rejects.toThrow(/no port/);
  });
});

it("lets its process end when it reset a connection that was ending", async () => {
  const fixture = join(import.meta.dirname, "fixtures", "reset-while-ending.ts");
  await expect(runCaptured(process.execPath, [fixture], { cwd: import.meta.dirname })).resolves.toMatchObject({
    stdout: "closed\n",
  });
});
