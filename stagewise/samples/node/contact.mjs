// The contact form of your website posts to this server, and this server sends the lead to Stagewise.
// Node.js 18 or newer, no packages.
//
// The endpoint's URL stays on your server. Give it in the environment, never in a page or in your repository:
//   LEADS_ENDPOINT_URL='https://leads.example.com/public/v1/leads/YOUR_KEY' node contact.mjs

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";

const ENDPOINT = process.env.LEADS_ENDPOINT_URL;
const PORT = process.env.PORT ?? 8080;
const TRIES = 3;
const LARGEST_BODY = 65_536;
const SORRY = "Sorry, your message could not be sent. Please try again later, or give us a call.";
const REQUIRED = { name: "your name", phone: "your phone number", email: "your e-mail address" };

if (!ENDPOINT) {
  console.error("Please set LEADS_ENDPOINT_URL.");
  process.exit(2);
}

/** What a visitor can mend. The endpoint checks once more, and more closely. */
function mistakes(lead) {
  const missing = Object.keys(REQUIRED).filter((field) => !lead[field]);
  const found = missing.map((field) => `Please tell us ${REQUIRED[field]}.`);
  if (lead.email && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(lead.email)) {
    found.push("Please check your e-mail address.");
  }
  return found;
}

/** Sends the lead, several times if need be. The tries share one key, so that it is one lead in the end. */
async function send(lead, visitor) {
  const headers = {
    "Content-Type": "application/json",
    "Idempotency-Key": randomUUID(),
    // The limit of the endpoint then counts visitors, not your server.
    "Stagewise-Visitor-IP": visitor,
  };
  for (let attempt = 1; ; attempt++) {
    let status = 0; // no answer
    let body = "";
    let wait = 1;
    try {
      const signal = AbortSignal.timeout(10_000);
      const options = { method: "POST", headers, body: JSON.stringify(lead), redirect: "manual", signal };
      const response = await fetch(ENDPOINT, options);
      body = await response.text();
      status = response.status;
      wait = Number(response.headers.get("Retry-After") ?? 1);
    } catch (error) {
      body = `${error.message} ${error.cause?.code ?? ""}`;
    }
    if (attempt === TRIES || ![0, 409, 503].includes(status)) {
      return { status, body };
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(wait, 2) * 1000));
  }
}

/** The fields of the posted form; null when it is too large to be one. */
async function readForm(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= LARGEST_BODY) {
      chunks.push(chunk); // the rest is read too, and forgotten: who is cut off cannot read the answer
    }
  }
  return size > LARGEST_BODY ? null : new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
}

/** Status and lines for the visitor. */
async function receive(request) {
  const form = await readForm(request);
  if (form === null) {
    return [413, "That was too long. Please shorten your message."];
  }
  const lead = {};
  // _gotcha is a field that people do not see: what is in it was written by a machine. Stagewise decides what follows.
  for (const field of ["name", "phone", "email", "message", "_gotcha"]) {
    lead[field] = (form.get(field) ?? "").trim();
  }
  const found = mistakes(lead);
  if (found.length > 0) {
    return [422, ...found];
  }
  lead.page_url = request.headers.referer;
  // Behind a proxy of yours, take the address from the proxy; anybody else's X-Forwarded-For is not to be believed.
  const { status, body } = await send(lead, request.socket.remoteAddress);
  if ([200, 201, 202].includes(status)) {
    return [200, "Thank you! We have your message and will be in touch soon."];
  }
  console.error(`contact form: status ${status}: ${body}`); // everything that you need; the visitor gets less
  if (status === 422) {
    const errors = JSON.parse(body).errors ?? [];
    if (errors.length > 0) {
      return [422, ...errors.map((error) => error.detail)]; // written for visitors: "This is no valid …"
    }
  }
  if (status === 429) {
    return [429, "You have sent us several messages already. Please try again tomorrow, or give us a call."];
  }
  return [502, SORRY];
}

const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

createServer(async (request, response) => {
  let answer;
  try {
    if (request.url.split("?")[0] !== "/contact") {
      answer = [404, "There is nothing here."];
    } else if (request.method !== "POST") {
      answer = [405, "Please use the form."];
    } else {
      answer = await receive(request);
    }
  } catch (error) {
    console.error("contact form:", error);
    answer = [502, SORRY];
  }
  const [status, ...lines] = answer;
  response.writeHead(status, { "Content-Type": "text/html; charset=utf-8", Allow: "POST" });
  const head = '<!doctype html><meta name="viewport" content="width=device-width"><title>Contact</title>';
  response.end(head + lines.map((line) => `<p>${escape(line)}</p>`).join(""));
}).listen(PORT, "127.0.0.1", () => console.log(`Listening on http://127.0.0.1:${PORT}/contact`));
