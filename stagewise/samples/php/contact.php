<?php
// The contact form of your website posts to this file, and this file sends the lead to Stagewise.
//
// The endpoint's URL stays on your server. Give it to PHP in the environment, never in a page or in your repository:
//   LEADS_ENDPOINT_URL='https://leads.example.com/public/v1/leads/YOUR_KEY' php -S localhost:8080 contact.php
// Apache: SetEnv LEADS_ENDPOINT_URL …    PHP-FPM: env[LEADS_ENDPOINT_URL] = …

declare(strict_types=1);
ini_set('display_errors', '0'); // PHP's own messages could show the URL to visitors

const TRIES = 3;
const SORRY = 'Sorry, your message could not be sent. Please try again later, or give us a call.';

function answer(int $status, string ...$lines): never
{
    http_response_code($status);
    header('Content-Type: text/html; charset=utf-8');
    echo '<!doctype html><meta name="viewport" content="width=device-width"><title>Contact</title>';
    foreach ($lines as $line) {
        echo '<p>', htmlspecialchars($line), '</p>';
    }
    exit;
}

/** A field of the form without white space around it; '' when it is missing or not one text in UTF-8. */
function field(string $name): string
{
    $value = $_POST[$name] ?? '';
    return is_string($value) && preg_match('//u', $value) ? trim($value) : '';
}

/** What a visitor can mend. The endpoint checks once more, and more closely. */
function mistakes(array $lead): array
{
    $found = [];
    foreach (['name' => 'your name', 'phone' => 'your phone number', 'email' => 'your e-mail address'] as $name => $what) {
        if ($lead[$name] === '') {
            $found[] = "Please tell us $what.";
        }
    }
    if ($lead['email'] !== '' && !preg_match('/^[^@\s]+@[^@\s]+\.[^@\s]+$/u', $lead['email'])) {
        $found[] = 'Please check your e-mail address.';
    }
    return $found;
}

/** One try. Returns the status (0: no answer), the body, and after how many seconds to try again. */
function post(string $url, string $json, string $key): array
{
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => [
            'Content-Type: application/json',
            "Idempotency-Key: $key",
            // The limit of the endpoint then counts visitors, not your server. Behind a proxy of yours, take the
            // visitor's address from the proxy; anybody else's X-Forwarded-For is not to be believed.
            'Stagewise-Visitor-IP: ' . $_SERVER['REMOTE_ADDR'],
        ],
        'content' => $json,
        'timeout' => 10,
        'ignore_errors' => true, // read the body of a refusal, too
        'follow_location' => 0,
    ]]);
    $stream = @fopen($url, 'r', false, $context);
    if ($stream === false) {
        return [0, str_replace($url, '(the endpoint)', error_get_last()['message'] ?? ''), 1];
    }
    $body = (string) stream_get_contents($stream, 65536);
    $head = stream_get_meta_data($stream)['wrapper_data'];
    fclose($stream);
    $wait = preg_grep('/^Retry-After: *\d+/i', $head);
    return [(int) explode(' ', $head[0])[1], $body, $wait ? (int) substr(end($wait), 12) : 1];
}

/** Sends the lead, several times if need be. They share one key, so that it is one lead in the end. */
function send(string $url, string $json): array
{
    $key = bin2hex(random_bytes(16));
    for ($try = 1; ; $try++) {
        [$status, $body, $wait] = post($url, $json, $key);
        if ($try === TRIES || !in_array($status, [0, 409, 503], true)) {
            return [$status, $body];
        }
        sleep(min($wait, 2));
    }
}

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    header('Allow: POST');
    answer(405, 'Please use the form.');
}
$url = (string) getenv('LEADS_ENDPOINT_URL');
if ($url === '') {
    error_log('contact form: LEADS_ENDPOINT_URL is not set');
    answer(500, SORRY);
}
$lead = ['name' => field('name'), 'phone' => field('phone'), 'email' => field('email'), 'message' => field('message')];
if ($mistakes = mistakes($lead)) {
    answer(422, ...$mistakes);
}
// _gotcha is a field that people do not see: what is in it was written by a machine. Stagewise decides what follows.
$lead['_gotcha'] = field('_gotcha');
$lead['page_url'] = $_SERVER['HTTP_REFERER'] ?? null;
[$status, $body] = send($url, json_encode($lead, JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR));

if (in_array($status, [200, 201, 202], true)) {
    answer(200, 'Thank you! We have your message and will be in touch soon.');
}
error_log("contact form: status $status: $body"); // everything that you need; the visitor gets less
$problem = json_decode($body, true);
if ($status === 422 && !empty($problem['errors'])) {
    answer(422, ...array_column($problem['errors'], 'detail')); // written for visitors: "This is no valid …"
}
if ($status === 429) {
    answer(429, 'You have sent us several messages already. Please try again tomorrow, or give us a call.');
}
answer(502, SORRY);
