/**
 * ringnet/websocket: WebSockets for programs that block. The networking thread handles the protocol.
 */

export { type ListenWebSocketOptions, listenWebSocket } from "./listen-web-socket.js";
export { type OpenWebSocketOptions, openWebSocket } from "./open-web-socket.js";
export { type Message, WebSocket } from "./web-socket.js";
export { type Verify, type WebSocketRequest, WebSocketServer } from "./web-socket-server.js";
