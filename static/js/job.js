// The page of one job.
import { one } from "./dom.js";
import { Tray, titled } from "./tray.js";

titled(new Tray(one("[data-tray]")));
