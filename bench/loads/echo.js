/** How long one small request and its answer take. */
import { echoLoad } from "./round-trip.js";

export default echoLoad("echo", false);
