// The same notes by PouchDB over CouchDB's replication, on this machine: bytes of every connection, both ways.
// Standard input: {"pushes": [[{"id", "first", "second"}, …], …]}; standard output: one JSON document.
const http = require("http");
const express = require("express");
const PouchDB = require("pouchdb");
PouchDB.plugin(require("pouchdb-adapter-memory"));

async function main(input) {
  const sockets = [];
  const Server = PouchDB.defaults({ adapter: "memory", prefix: "server-" });
  const app = express();
  app.use("/", require("express-pouchdb")(Server, { mode: "minimumForPouchDB", inMemoryConfig: true }));
  const server = http.createServer(app);
  server.on("connection", (socket) => sockets.push(socket));
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const local = new PouchDB("local", { adapter: "memory" });
  const remote = new PouchDB(`http://127.0.0.1:${server.address().port}/notes`);
  const total = () => sockets.reduce((sum, one) => sum + one.bytesRead + one.bytesWritten, 0);
  await remote.info();
  const before = total();
  for (const notes of input.pushes) {
    for (const note of notes) {
      const saved = await local.put({ _id: note.id, ...note.first });
      await local.put({ _id: note.id, _rev: saved.rev, ...note.second });
    }
    await local.replicate.to(remote);
  }
  const bytes = total() - before;
  const docs = (await remote.info()).doc_count;
  console.log(JSON.stringify({ bytes, docs }));
  process.exit(0);
}

let text = "";
process.stdin.on("data", (part) => (text += part)).on("end", () => main(JSON.parse(text)));
