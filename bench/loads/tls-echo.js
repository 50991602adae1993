/** How long one small request and its answer take with TLS. */
import { echoLoad } from "./round-trip.js";

export default echoLoad("tls-echo", true);
