import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { hubSettings } from "./hub-settings.ts";

const HOME = { HOME: "/home/me" };

describe("hubSettings", () => {
  it("has Python's defaults", () => {
    expect(hubSettings(HOME)).toEqual({
      cacheDir: "/home/me/.cache/huggingface/hub",
      endpoint: "https://huggingface.co",
      offline: false,
      symlinks: true,
      proxyUnused: false,
      answerTimeoutMs: 10_000,
      stallTimeoutMs: 30_000,
    });
  });

  it("options win over variables", () => {
    const env = {
      ...HOME,
      HF_HUB_CACHE: "/a",
      HF_HUB_OFFLINE: "1",
      HF_TOKEN: "hf_a",
      HF_ENDPOINT: "https://a.example",
    };
    const options = { cacheDir: "~/b", offline: false, token: "hf_b", endpoint: "https://b.example/" };
    const settings = hubSettings(env, options);
    expect(settings).toMatchObject({ cacheDir: "/home/me/b", offline: false, endpoint: "https://b.example" });
    expect(settings.token).toBe("hf_b");
    expect(hubSettings(env, { token: false }).token).toBeUndefined();
  });

  it("HF_HUB_DISABLE_IMPLICIT_TOKEN keeps a token that was not asked for from being sent", () => {
    const env = { ...HOME, HF_TOKEN: "hf_a", HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" };
    expect(hubSettings(env).token).toBeUndefined();
    expect(hubSettings(env, { token: "hf_b" }).token).toBe("hf_b");
  });

  it("never shows the token when printed, cloned or spread", () => {
    const settings = hubSettings({ ...HOME, HF_TOKEN: "hf_SECRET" });
    expect(inspect(settings)).not.toContain("SECRET");
    expect(JSON.stringify({ ...settings })).not.toContain("SECRET");
    expect(JSON.stringify(structuredClone(settings))).not.toContain("SECRET");
  });

  it.each(["hf_é", "hf a", "hf_\u0000"])("refuses the token %j without showing it", (token) => {
    expect(() => hubSettings(HOME, { token })).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.not.stringContaining(token) }),
    );
  });

  it.each(["ftp://x", "nonsense", "https://user:secret@host"])(
    "refuses the endpoint %s without showing it",
    (endpoint) => {
      expect(() => hubSettings(HOME, { endpoint })).toThrow(
        expect.objectContaining({ code: "invalid-argument", message: expect.not.stringContaining(endpoint) }),
      );
    },
  );

  it("notices a proxy that Node was not told to use", () => {
    expect(hubSettings({ ...HOME, HTTPS_PROXY: "http://p:1" }).proxyUnused).toBe(true);
    expect(hubSettings({ ...HOME, https_proxy: "http://p:1", NODE_USE_ENV_PROXY: "1" }).proxyUnused).toBe(
      false,
    );
  });

  it("reads time-outs in seconds and ignores what is no positive number", () => {
    expect(hubSettings({ ...HOME, HF_HUB_ETAG_TIMEOUT: "3", HF_HUB_DOWNLOAD_TIMEOUT: "60" })).toMatchObject({
      answerTimeoutMs: 3000,
      stallTimeoutMs: 60_000,
    });
    expect(hubSettings({ ...HOME, HF_HUB_ETAG_TIMEOUT: "-1", HF_HUB_DOWNLOAD_TIMEOUT: "x" })).toMatchObject({
      answerTimeoutMs: 10_000,
      stallTimeoutMs: 30_000,
    });
  });
});
