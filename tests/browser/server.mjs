// The demo company in a folder of its own, served by the built binary.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Starts `steward demo`; resolves with its address and `stop` once it says that it listens. */
export async function serveDemo(binary) {
  const folder = await mkdtemp(join(tmpdir(), "steward-browser-"));
  const args = ["demo", "--scale", "0.02", "--dir", join(folder, "larkspur"), "--listen", "127.0.0.1:0"];
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const exited = new Promise(resolve => child.on("exit", code => resolve(code)));
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const address = await new Promise((resolve, reject) => {
    const wait = setTimeout(() => reject(new Error(`no address after 180 s: ${said}`)), 180_000);
    const listen = chunk => {
      said += chunk;
      const found = said.match(/listening on (http:\/\/\S+)/);
      if (found) { clearTimeout(wait); resolve(found[1]); }
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", chunk => { said += chunk; });
    exited.then(code => { clearTimeout(wait); reject(new Error(`the demo ended with ${code}: ${said}`)); });
  }).catch(async e => { await stop(); throw e; });
  return { address, stop };
}

/** A page that no check may pass: pale text in light and dark, too wide, a picture without words, a script that fails. */
export async function serveBadPage() {
  const html = `<!DOCTYPE html><html><body style="background:#777"><p style="color:#888">pale</p><div style="width:900px">wide</div>
    <img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><script>throw new Error("no")</script></body></html>`;
  const server = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(html));
  await new Promise(resolve => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${server.address().port}`, stop: () => server.closeAllConnections() || server.close() };
}
