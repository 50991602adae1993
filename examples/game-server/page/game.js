// The page of examples/game-server.js: sends what is pressed, and draws the world and what a frame's networking has cost the server.

const world = document.querySelector("#world").getContext("2d");
const cost = document.querySelector("#cost").getContext("2d");
const text = document.querySelector("#text");
const FRAME_US = 1e6 / 60;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const pressed = new Set();
const costs = [];
let you = 0;

const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/play`);
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.you !== undefined) {
    you = message.you;
    return;
  }
  costs.push(message.networking);
  if (costs.length > 300) costs.shift();
  window.game = { you, ...message }; // for the console
  drawWorld(message.players);
  drawCosts();
};
socket.onclose = ({ code }) => {
  text.textContent = `closed (${code})`;
};
for (const type of ["keydown", "keyup"]) {
  addEventListener(type, ({ key }) => {
    if (!(key in KEYS)) return;
    if (type === "keydown") pressed.add(key);
    else pressed.delete(key);
    const sum = [...pressed].reduce(([x, y], each) => [x + KEYS[each][0], y + KEYS[each][1]], [0, 0]);
    if (socket.readyState === WebSocket.OPEN) socket.send(sum.join(" "));
  });
}

function drawWorld(players) {
  world.clearRect(0, 0, 600, 600);
  for (const { id, x, y, hue } of players) {
    world.fillStyle = `hsl(${hue} 70% 60%)`;
    world.beginPath();
    world.arc(x, y, 14, 0, 2 * Math.PI);
    world.fill();
    if (id !== you) continue;
    world.lineWidth = 3;
    world.strokeStyle = "#ffffff";
    world.stroke();
  }
}

/** One bar a frame; a bar of full height would be a tenth of the frame. */
function drawCosts() {
  cost.clearRect(0, 0, 600, 80);
  cost.fillStyle = "#6fb1ff";
  costs.forEach((each, i) => {
    const height = Math.max(1, Math.min(80, (80 * each) / (FRAME_US / 10)));
    cost.fillRect(2 * i, 80 - height, 1.5, height);
  });
  const sorted = [...costs].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1];
  text.textContent = `you are player ${you}; networking takes the server ${median} µs of a frame's ${Math.round(FRAME_US)} µs (median of the last ${costs.length})`;
}
