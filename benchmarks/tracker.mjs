// A WebTorrent tracker on a free port of this machine; its address is the one line that it prints.

import Server from "bittorrent-tracker/server";

const server = new Server({ http: false, udp: false, ws: true, stats: false });
server.on("error", (error) => {
  throw error;
});
server.listen(0, "127.0.0.1", () => console.log(`ws://127.0.0.1:${server.ws.address().port}`));
