// For the pages on which things are dragged.
import "./board.js";
import "./order.js";
