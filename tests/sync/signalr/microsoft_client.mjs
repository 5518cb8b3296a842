// Does everything a client can do, and writes what came of it as JSON.
import * as signalR from "@microsoft/signalr";

const [url, token, transport] = process.argv.slice(2);
const connection = new signalR.HubConnectionBuilder()
  .withUrl(url, { accessTokenFactory: () => token, transport: signalR.HttpTransportType[transport] })
  .configureLogging(signalR.LogLevel.Error)
  .build();

const told = new Promise((resolve) => connection.on("told", resolve));
const stopped = new Promise((resolve) => connection.on("stopped", () => resolve(true)));
await connection.start();

const found = { add: await connection.invoke("add", 20, 22), items: [] };
await new Promise((resolve, reject) =>
  connection.stream("count", 4).subscribe({
    next: (item) => found.items.push(item),
    complete: resolve,
    error: reject,
  }),
);
try {
  await connection.invoke("refuse", "not today");
} catch (error) {
  found.error = error.message.split(": ").at(-1).trim();
}
const subject = new signalR.Subject();
const total = connection.invoke("total", subject);
for (const number of [1, 2, 3]) subject.next(number);
subject.complete();
found.uploaded = await total;
await connection.send("tell", "from Node");
found.told = await told;
const endless = connection.stream("forever").subscribe({ next: () => endless.dispose() });
found.cancelled = await stopped;
await connection.stop();
console.log(JSON.stringify(found));
