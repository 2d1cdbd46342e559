// Searches bytes for secrets, however they may have been written down.

export interface Secret {
    /** What it is, for the report: the value itself is told to nobody. */
    name: string;
    value: string;
}

export interface Finding {
    place: string;
    secret: string;
    encoding: string;
}

export interface Place {
    name: string;
    bytes: Buffer;
}

/**
 * What is searched for of a secret: a piece from the middle, so that one that was cut at either end is found as well. What
 * the pages show of a token on purpose, its prefix and last four characters, is not in it.
 */
const core = (value: string) => (value.length < 32 ? value : value.slice(8, 28));

/** What base64 makes of the bytes wherever they stand in a longer text: only the characters that the bytes alone decide. */
function base64(bytes: Buffer, alphabet: "base64" | "base64url", offset: 0 | 1 | 2): string {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString(alphabet);
    return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}

const percent = (bytes: Buffer) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const html = (text: string) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Every way of writing a secret that is searched for, by name. */
export function encodings(value: string): Map<string, Buffer> {
    const piece = core(value);
    const bytes = Buffer.from(piece, "utf8");
    const texts: [string, string][] = [
        ["plain", piece],
        ["base64, at 0", base64(bytes, "base64", 0)],
        ["base64, at 1", base64(bytes, "base64", 1)],
        ["base64, at 2", base64(bytes, "base64", 2)],
        ["base64url, at 0", base64(bytes, "base64url", 0)],
        ["base64url, at 1", base64(bytes, "base64url", 1)],
        ["base64url, at 2", base64(bytes, "base64url", 2)],
        ["hex", bytes.toString("hex")],
        ["HEX", bytes.toString("hex").toUpperCase()],
        ["URL, every byte", percent(bytes)],
        ["URL, EVERY BYTE", percent(bytes).toUpperCase()],
        ["URL", encodeURIComponent(piece)],
        ["URL, as a form", new URLSearchParams({ "": piece }).toString().slice(1)],
        ["HTML", html(piece)],
        ["JSON", JSON.stringify(piece).slice(1, -1)],
    ];
    const all = new Map(texts.map(([name, text]): [string, Buffer] => [name, Buffer.from(text, "utf8")]));
    return all.set("UTF-16", Buffer.from(piece, "utf16le"));
}

interface Needle {
    bytes: Buffer;
    secret: string;
    encoding: string;
}

/** Looks for all secrets at once, in one pass over each place. */
export class Search {
    /** By their first four bytes. */
    private readonly needles = new Map<number, Needle[]>();
    /** Which first four bytes may be a needle's: a quick look before the map. */
    private readonly starts = new Uint8Array(1 << 16);

    constructor(secrets: Secret[]) {
        for (const { name, value } of secrets) {
            const seen = new Set<string>();
            for (const [encoding, bytes] of encodings(value)) {
                const key = bytes.toString("latin1");
                if (seen.has(key)) continue;
                seen.add(key);
                const start = bytes.readUInt32BE(0);
                this.needles.set(start, [...(this.needles.get(start) ?? []), { bytes, secret: name, encoding }]);
                this.starts[(start ^ (start >>> 16)) & 0xffff] = 1;
            }
        }
    }

    find({ name, bytes }: Place): Finding[] {
        const found: Finding[] = [];
        let start = 0;
        for (let at = 0; at < bytes.length; at++) {
            start = ((start << 8) | (bytes[at] ?? 0)) >>> 0;
            if (at < 3 || this.starts[(start ^ (start >>> 16)) & 0xffff] === 0) continue;
            for (const needle of this.needles.get(start) ?? []) {
                if (bytes.subarray(at - 3, at - 3 + needle.bytes.length).equals(needle.bytes)) {
                    found.push({ place: name, secret: needle.secret, encoding: needle.encoding });
                }
            }
        }
        return found;
    }
}
