import type { RedisConfigLike } from "./options.ts";

/** Whether {@link configOf} can read it. */
export function isUrl(text: unknown): text is string {
  return typeof text === "string" && parse(text) !== undefined;
}

/**
 * The settings in `redis[s]://[user][:password@]host[:port][/db]`. Read here and not by ioredis, which lets a URL
 * overrule settings that the store relies on.
 */
export function configOf(url: string): RedisConfigLike {
  const config = parse(url);
  if (config === undefined) throw new TypeError("not a URL of Redis");
  return config;
}

function parse(text: string): RedisConfigLike | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "redis:" && url.protocol !== "rediss:") || url.hostname === "") {
    return undefined;
  }
  const [, db = ""] = /^\/?(\d*)$/.exec(url.pathname) ?? [undefined, undefined];
  if (db === undefined || !/^\/?\d*$/.test(url.pathname) || url.search !== "" || url.hash !== "") return undefined;
  try {
    return {
      host: url.hostname.replaceAll(/^\[|\]$/g, ""),
      ...(url.port === "" ? {} : { port: Number(url.port) }),
      ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
      ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
      ...(db === "" ? {} : { db: Number(db) }),
      ...(url.protocol === "rediss:" ? { tls: {} } : {}),
    };
  } catch {
    // A percent sign that encodes nothing.
    return undefined;
  }
}
