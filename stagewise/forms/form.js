/*
 * A contact form that sends leads: to a Stagewise endpoint, or to a relay on the website's own server.
 *
 * <form action="…" method="post" data-stagewise-form> is enhanced and goes on working without this script.
 * <div data-stagewise-form data-endpoint="…"></div> is filled with a whole form.
 * docs/form.md describes the attributes. Nothing here needs eval, a worker, inline styles or another host.
 *
 * The build takes comments and white space away (stagewise/pages/minify.py), so every statement ends in a semicolon.
 */
(() => {
  "use strict";
  if (window.stagewiseForm) {
    return; // the script is on the page twice
  }

  const CAMPAIGN = [
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
    "gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "li_fat_id", "twclid",
  ];
  /* Where CAPTCHA widgets put their token: ALTCHA, reCAPTCHA, hCaptcha, Turnstile. */
  const TOKENS = ["captcha_token", "altcha", "g-recaptcha-response", "h-captcha-response", "cf-turnstile-response"];
  const TEXTS = {
    name: "Name",
    phone: "Phone",
    email: "E-mail",
    message: "Message",
    optional: "optional",
    lead_type: "What is it about?",
    send: "Send",
    sending: "Sending…",
    trying: "No answer yet. Trying again…",
    thanks: "Thank you. Your message has arrived.",
    required: "Please fill this in.",
    invalid_email: "This is no valid e-mail address.",
    correct: "Not sent yet: please look at the marked fields.",
    captcha_failed: "The check against spam did not succeed. Please try again.",
    wait: "Please wait {n} seconds before you send again.",
    hourly: "You have sent {n} messages within an hour. Please try again later.",
    limited: "Too many messages came from your connection. Please try again later.",
    blocked: "This form cannot be used from here.",
    gone: "This form is no longer in use.",
    failed: "This could not be sent. Your text is still here: please try again in a moment.",
    trap: "Leave this empty",
  };
  const SECOND = 1000;
  const HOUR = 3600 * SECOND;
  const GAP = 10 * SECOND;
  const PER_HOUR = 5;
  const TRIES = 3;
  const PATIENCE = 20 * SECOND;
  /* Half of the time for which a challenge is valid; counted from its arrival, whatever this machine's clock says. */
  const SOLUTION_LIVES = 600 * SECOND;
  const STYLE = `
    :where(.stagewise-form) { display: grid; gap: 1rem; max-width: 36rem; font: inherit; }
    :where(.stagewise-form) :where(label) { display: block; margin-bottom: .25rem; font-weight: 600; }
    :where(.stagewise-form) :where(small) { font-weight: 400; }
    :where(.stagewise-form) :where(input, textarea, select) {
      box-sizing: border-box; width: 100%; min-height: 2.75rem; padding: .5rem .75rem; border: 1px solid #767676;
      border-radius: 8px; background: Field; color: FieldText; font: inherit;
    }
    :where(.stagewise-form) :where([aria-invalid]) { border: 2px solid #d33a2c; }
    :where(.stagewise-form) :where(.stagewise-error) { margin: .25rem 0 0; padding-left: .5rem; border-left: 3px solid #d33a2c; }
    :where(.stagewise-form) :where(button) {
      justify-self: start; min-height: 2.75rem; padding: .5rem 1.5rem; border: 0; border-radius: 8px;
      background: #1f4391; color: #fff; font: inherit; font-weight: 600; cursor: pointer;
    }
    :where(.stagewise-form) :where(button[aria-disabled]) { opacity: .6; }
    :where(.stagewise-form) :where(.stagewise-status) { margin: 0; }
    :where(.stagewise-form[data-stagewise-state=sent]) > :where(:not(.stagewise-status)) { display: none; }`;

  /* Storage that may be forbidden: then things are remembered until the page is left. */
  const memory = {};
  const recall = (store, name) => {
    try {
      return JSON.parse(window[store].getItem(name)) || memory[name];
    } catch {
      return memory[name];
    }
  };
  const remember = (store, name, value) => {
    memory[name] = value;
    try {
      window[store].setItem(name, JSON.stringify(value));
    } catch {
      /* kept in memory */
    }
  };

  /* Where the visit began. A new campaign in the address begins it anew. */
  const landing = () => {
    const query = new URLSearchParams(location.search);
    const found = {};
    for (const name of CAMPAIGN) {
      const value = query.get(name);
      if (value) {
        found[name] = value.slice(0, 200);
      }
    }
    const known = recall("sessionStorage", "stagewise-landing");
    if (known && !Object.keys(found).length) {
      return known;
    }
    if (document.referrer && new URL(document.referrer).origin !== location.origin) {
      found.referrer = document.referrer;
    }
    remember("sessionStorage", "stagewise-landing", found);
    return found;
  };

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  const make = (tag, attributes, ...content) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      element.setAttribute(name, value);
    }
    element.append(...content);
    return element;
  };

  /* crypto.randomUUID exists on https pages only, random values everywhere. */
  const randomKey = () => hex(crypto.getRandomValues(new Uint8Array(16)));
  const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const unhex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));

  /*
   * ALTCHA, protocol 2: the smallest counter for which PBKDF2(nonce + counter) begins with the wanted prefix. The
   * browser derives keys in threads of its own, so the page stays responsive without a worker.
   */
  const solve = async (challenge) => {
    const given = challenge.parameters;
    if (!given.algorithm.startsWith("PBKDF2/")) {
      throw new Error(`cannot solve ${given.algorithm}`);
    }
    const nonce = unhex(given.nonce);
    const wanted = { name: "PBKDF2", hash: given.algorithm.slice(7), salt: unhex(given.salt), iterations: given.cost };
    const derive = async (counter) => {
      const password = new Uint8Array(nonce.length + 4);
      password.set(nonce);
      new DataView(password.buffer).setUint32(nonce.length, counter);
      const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
      return hex(await crypto.subtle.deriveBits(wanted, key, given.keyLength * 8));
    };
    const prefix = given.keyPrefix.toLowerCase();
    for (let first = 0; ; first += 8) {
      const keys = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((step) => derive(first + step)));
      const found = keys.findIndex((key) => key.startsWith(prefix));
      if (found >= 0) {
        return btoa(JSON.stringify({ challenge, solution: { counter: first + found, derivedKey: keys[found] } }));
      }
    }
  };

  let forms = 0;

  const enhance = (form) => {
    if (form.tagName !== "FORM") {
      form = build(form);
    }
    if (form.dataset.stagewiseState) {
      return;
    }
    form.dataset.stagewiseState = "ready";
    form.noValidate = true; // the script says it beside the fields
    const shown = performance.now();
    const id = `stagewise-${++forms}-`;
    const own = (name) => form.getAttribute(`data-${name}`);
    const text = (name, n) => (own(`text-${name.replace(/_/g, "-")}`) || TEXTS[name] || "").replace("{n}", n);
    const fields = () => Array.from(form.elements).filter((field) => field.name);
    const absolute = (url) => new URL(url, document.baseURI).href;
    const action = absolute(form.getAttribute("action") || "");
    const endpoint = own("endpoint") ? absolute(own("endpoint")) : action.replace(/\/form\/([\w-]+)$/, "/public/v1/leads/$1");
    const challengeUrl = own("challenge") ? absolute(own("challenge")) : `${endpoint.replace(/\/$/, "")}/challenge`;
    const status = make("p", { class: "stagewise-status", role: "status", tabindex: "-1" });
    form.append(status);
    if (!fields().some((field) => field.name === "_gotcha")) {
      /* Not displayed: browsers fill in nothing there, and readers say nothing of it. */
      const trap = make("input", { name: "_gotcha", "aria-label": text("trap"), tabindex: "-1", autocomplete: "off" });
      const hidden = make("div", { "aria-hidden": "true" }, trap);
      hidden.style.display = "none";
      form.append(hidden);
    }

    let busy = false;
    let attempt = null; // what is being sent, with its Idempotency-Key
    let solution = null; // a promise of a token, with the time of its beginning

    const show = (message, state) => {
      status.textContent = message;
      form.dataset.stagewiseState = state;
    };

    const fireAndAsk = (name, detail) =>
      form.dispatchEvent(new CustomEvent(`stagewise:${name}`, { bubbles: true, cancelable: true, detail }));

    const errorId = (field) => `${id}${field.name.replace(/\s/g, "-")}-error`;
    const place = (field) => document.getElementById(errorId(field));

    const clear = (field) => {
      const error = place(field);
      if (error) {
        const others = (field.getAttribute("aria-describedby") || "").split(" ").filter((each) => each !== error.id);
        field.removeAttribute("aria-invalid");
        field.setAttribute("aria-describedby", others.join(" "));
        error.remove();
      }
    };

    const mark = (field, message) => {
      clear(field);
      const error = make("p", { class: "stagewise-error", id: errorId(field) }, message);
      const described = field.getAttribute("aria-describedby");
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", described ? `${described} ${error.id}` : error.id);
      (field.closest("label") || field).after(error);
    };

    /* Marks [[field, message], …] and goes to the first of them; whether there is none. */
    const complain = (wrong) => {
      wrong.forEach(([field, message]) => mark(field, message));
      const first = fields().find((field) => place(field));
      if (first) {
        show(text("correct"), "wrong");
        first.focus();
      }
      return !first;
    };

    const check = () => {
      fields().forEach(clear);
      const wrong = fields().filter((field) => field.willValidate && !field.validity.valid);
      const names = wrong.map((field) => field.name);
      return complain(
        wrong.filter((field, at) => names.indexOf(field.name) === at).map((field) => {
          const { valueMissing, typeMismatch } = field.validity;
          if (valueMissing) {
            return [field, text("required")];
          }
          return [field, typeMismatch && field.type === "email" ? text("invalid_email") : field.validationMessage];
        }),
      );
    };

    /* The brake: what to tell somebody who sends too often, or nothing. */
    const sent = () => {
      const now = Date.now();
      return (recall("localStorage", "stagewise-sent") || []).filter((at) => at <= now && at > now - HOUR);
    };
    const brake = () => {
      const times = sent();
      const wait = GAP - (Date.now() - Math.max(0, ...times));
      if (wait > 0) {
        return text("wait", Math.ceil(wait / SECOND));
      }
      return times.length >= PER_HOUR ? text("hourly", PER_HOUR) : "";
    };

    const newSolution = async () => {
      const answer = await fetch(challengeUrl);
      return answer.ok ? solve(await answer.json()) : "";
    };
    /* A token, or "" where none can be had: the server decides what becomes of that. */
    const token = async () => {
      if (!solution || Date.now() > solution.from + SOLUTION_LIVES) {
        solution = { from: Date.now(), made: newSolution() };
      }
      try {
        return await solution.made;
      } catch (error) {
        solution = null;
        console.warn(`stagewise: no proof of work (${crypto.subtle ? error : "it needs https"})`);
        return "";
      }
    };

    const collect = () => {
      const values = {};
      for (const [name, value] of new FormData(form)) {
        if (typeof value === "string" && !(name in values)) {
          values[name] = value;
        }
      }
      for (const name of TOKENS) {
        if (values[name]) {
          values.captcha_token = values[name];
        }
      }
      return values;
    };

    const post = async (body, key) => {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), PATIENCE);
      try {
        return await fetch(endpoint, {
          method: "POST",
          headers: { "Content-Type": "application/json", Accept: "application/json", "Idempotency-Key": key },
          body,
          signal: stop.signal,
        });
      } catch {
        return null; // no connection, no answer in time, or an origin that is not allowed
      } finally {
        clearTimeout(timer);
      }
    };

    /* Sends until there is an answer worth having. The key is the same each time, so there is one lead at most. */
    const insist = async (body, key) => {
      for (let tries = 1; ; tries++) {
        const answer = await post(body, key);
        if (answer && ![408, 409, 502, 503, 504].includes(answer.status)) {
          return answer;
        }
        const wait = Math.max((answer && Number(answer.headers.get("Retry-After"))) || 0, 2 * tries - 1);
        if (tries === TRIES || wait > 10) {
          return answer;
        }
        show(text("trying"), "sending");
        await pause(wait * SECOND);
      }
    };

    const send = async (again) => {
      const values = collect();
      const content = JSON.stringify(["name", "phone", "email", "message", "lead_type_name"].map((name) => values[name]));
      if (!attempt || attempt.content !== content) {
        attempt = { content, key: randomKey() };
      }
      if (own("captcha") === "altcha" || again) {
        values.captcha_token = (await token()) || values.captcha_token;
      }
      const body = JSON.stringify({
        page_url: location.href.split("#")[0],
        ...landing(),
        ...values,
        _elapsed_ms: Math.round(performance.now() - shown),
      });
      const answer = await insist(body, attempt.key);
      const said = answer ? await answer.json().catch(() => ({})) : {};
      if (said.code === "captcha_failed") {
        solution = null;
        if (!again && crypto.subtle) {
          return send(true); // the token was too old, or the endpoint has begun to ask for one
        }
      }
      return [answer ? answer.status : 0, said];
    };

    const settle = (code, said) => {
      if (code >= 200 && code < 300) {
        attempt = solution = null;
        form.reset();
        show(text("thanks"), "sent");
        if (fireAndAsk("sent", said)) {
          if (own("next")) {
            location.assign(own("next"));
          } else {
            status.focus();
          }
        }
        return;
      }
      const wrong = [];
      for (const error of said.errors || []) {
        const field = fields().find((each) => each.name === error.field && each.type !== "hidden");
        if (field) {
          wrong.push([field, text(error.code) || error.detail]);
        }
      }
      if (complain(wrong)) {
        const words = { 403: "blocked", 404: "gone", 410: "gone", 422: "captcha_failed", 429: "limited" }[code] || "failed";
        show(words === "captcha_failed" && said.code !== words ? said.detail || text("failed") : text(words), "failed");
        status.focus();
      }
      if (!code) {
        console.warn(`stagewise: no answer from ${endpoint}; is ${location.origin} an allowed origin there?`);
      }
      fireAndAsk("failed", { status: code, ...said });
    };

    form.addEventListener("submit", async (event) => {
      if (event.defaultPrevented) {
        return; // the page's own script has something against it
      }
      event.preventDefault();
      if (busy || !check()) {
        return;
      }
      const held = brake();
      if (held) {
        show(held, "failed");
        return;
      }
      busy = true;
      const button = form.querySelector("button:not([type=button]), input[type=submit]");
      if (button) {
        button.setAttribute("aria-disabled", "true"); // not disabled: the focus would be lost
      }
      show(text("sending"), "sending");
      try {
        const [code, said] = await send(false);
        if (code !== 422) {
          remember("localStorage", "stagewise-sent", [...sent(), Date.now()]);
        }
        settle(code, said);
      } finally {
        busy = false;
        if (button) {
          button.removeAttribute("aria-disabled");
        }
      }
    });
    form.addEventListener("input", (event) => clear(event.target));
    if (own("captcha") === "altcha") {
      form.addEventListener("focusin", () => token(), { once: true }); // solved while people type
    }
  };

  /* A whole form inside a box that names an endpoint; the box's attributes are the form's. */
  const build = (box) => {
    const form = make("form", { method: "post", class: "stagewise-form" });
    for (const { name, value } of Array.from(box.attributes)) {
      if (name.startsWith("data-")) {
        form.setAttribute(name, value);
      }
    }
    box.removeAttribute("data-stagewise-form");
    const id = `stagewise-${forms + 1}-`;
    const text = (name) => box.getAttribute(`data-text-${name.replace(/_/g, "-")}`) || TEXTS[name];
    const row = (name, field, label, isOptional) => {
      field.id = id + name;
      field.name = name;
      field.required = !isOptional;
      const note = isOptional ? [" ", make("small", {}, `(${text("optional")})`)] : [];
      form.append(make("div", {}, make("label", { for: field.id }, text(label), ...note), field));
    };
    row("name", make("input", { autocomplete: "name" }), "name");
    row("phone", make("input", { type: "tel", autocomplete: "tel" }), "phone");
    row("email", make("input", { type: "email", autocomplete: "email" }), "email");
    const types = (box.getAttribute("data-lead-types") || "").split(",").filter((type) => type.trim());
    if (types.length) {
      row("lead_type_name", make("select", {}, ...types.map((type) => make("option", {}, type.trim()))), "lead_type");
    }
    row("message", make("textarea", { rows: "5" }), "message", true);
    form.append(make("button", {}, text("send")));
    box.append(form);
    if (document.adoptedStyleSheets && !document.adoptedStyleSheets.some((sheet) => sheet.stagewise)) {
      const sheet = new CSSStyleSheet(); // allowed by a strict Content-Security-Policy, unlike an element
      sheet.stagewise = true;
      sheet.replaceSync(STYLE);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    }
    return form;
  };

  window.stagewiseForm = enhance;
  landing();
  const begin = () => document.querySelectorAll("[data-stagewise-form]").forEach(enhance);
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", begin);
  } else {
    begin();
  }
})();
