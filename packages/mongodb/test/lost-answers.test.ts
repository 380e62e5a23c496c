import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { mongoIsLeftOut, pollUntil } from "@mcp-task-store/services";
import { type BreakableServer, settled } from "../../../conformance/test/adapter-tests/breakable.ts";
import { describeLostAnswers } from "../../../conformance/test/adapter-tests/lost-answers.ts";
import { breakableMongo } from "./breakable-mongo.ts";
import { type TcpProxy, tcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

describe.skipIf(mongoIsLeftOut())("on MongoDB", () => {
  describeLostAnswers(breakableMongo);

  describe("a client that found no server at first", () => {
    let server: BreakableServer;
    let proxy: TcpProxy;
    beforeAll(async () => {
      server = await breakableMongo();
    });
    afterAll(() => server[Symbol.asyncDispose]());
    beforeEach(async () => {
      proxy = await tcpProxy({ target: server.target });
      return () => proxy.close();
    });

    it("finds it when it is there", async () => {
      proxy.cut();
      const store = server.openStore(300, proxy);
      const unavailable = { code: "STORE_UNAVAILABLE", retryable: true };
      for (let round = 0; round < 2; round += 1) expect(await settled(store.createTask())).toMatchObject(unavailable);
      proxy.heal();
      const task = await pollUntil(async () => store.createTask().catch(() => undefined), { what: "the server" });
      expect(await server.stored(task.taskId)).toMatchObject({ status: "working" });
      await store.close();
    });
  });
});
