// HTTP as it goes over the wire: every header as the test says, and every header and byte of the answer.
import http from "node:http";

export interface Answer {
    status: number;
    /** Names in lower case; a name may come more than once. */
    headers: [name: string, value: string][];
    body: Buffer;
}

export interface Request {
    method?: string;
    headers?: Record<string, string>;
    body?: string | Buffer;
    agent?: http.Agent;
}

/** A connection for each request, unless an agent is given: one kept open may be closed by a server that is started again. */
export function send(url: string | URL, { method = "GET", headers = {}, body, agent = new http.Agent() }: Request = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
        const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
        const request = http.request(url, { method, headers: { ...length, ...headers }, agent }, (response) => {
            const chunks: Buffer[] = [];
            response.on("data", (chunk: Buffer) => chunks.push(chunk));
            response.on("error", reject);
            response.on("end", () => {
                const raw = response.rawHeaders;
                const pairs = raw.flatMap((name, at): Answer["headers"] =>
                    at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1] ?? ""]] : [],
                );
                resolve({ status: response.statusCode ?? 0, headers: pairs, body: Buffer.concat(chunks) });
            });
        });
        request.on("error", reject);
        request.end(body);
    });
}

export const header = (answer: Answer, wanted: string) => answer.headers.find(([name]) => name === wanted)?.[1];
export const text = (answer: Answer) => answer.body.toString("utf8");

/** What a form posts. */
export const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();
export const formType = { "content-type": "application/x-www-form-urlencoded" };
