// Connects so many clients, each of which reports a metric that all hear of; says what each heard.
import * as signalR from "@microsoft/signalr";

const [url, token, count] = process.argv.slice(2);
const heard = [];
const connections = [];
let all;
const done = new Promise((resolve) => (all = resolve));
for (let number = 0; number < Number(count); number += 1) {
  const connection = new signalR.HubConnectionBuilder()
    .withUrl(url, { accessTokenFactory: () => token })
    .configureLogging(signalR.LogLevel.Error)
    .build();
  heard.push(new Set());
  connection.on("OnMetricUpdate", (task, metrics) => {
    heard[number].add(metrics.from);
    if (heard.every((one) => one.size === Number(count))) all();
  });
  await connection.start();
  await connection.invoke("Heartbeat", "page", "well");
  connections.push(connection);
}
for (const [number, connection] of connections.entries())
  await connection.invoke("ReportMetrics", { task: "any", from: number });
await done;
for (const connection of connections) await connection.stop();
console.log(JSON.stringify({ heard: heard.map((one) => one.size) }));
