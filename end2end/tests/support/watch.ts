// Listens to a browser for everything that nobody sees in the page and that is wrong all the same.
import type { BrowserContext, ConsoleMessage, Request, Response, WebError } from "@playwright/test";

interface Problem {
    text: string;
    /** The address that it is about. */
    url: string;
    status?: number;
}

export class Watch {
    private readonly problems: Problem[] = [];
    private readonly expected: { status: number; path: string }[] = [];
    private readonly unreachable: string[] = [];

    constructor(
        private readonly context: BrowserContext,
        private readonly origin: string,
        private readonly scripts: boolean,
    ) {
        context.on("console", this.console);
        context.on("weberror", this.thrown);
        context.on("requestfailed", this.failed);
        context.on("response", this.answered);
    }

    /** This address is meant to answer so. Browsers log that as an error, too. */
    expect(status: number, path: string) {
        this.expected.push({ status, path });
    }

    /** This address is meant not to be reached. */
    expectFailure(path: string) {
        this.unreachable.push(this.origin + path);
    }

    /** Stops listening; gives what was heard. */
    end(): string[] {
        this.context.off("console", this.console);
        this.context.off("weberror", this.thrown);
        this.context.off("requestfailed", this.failed);
        this.context.off("response", this.answered);
        return this.problems.filter((problem) => !this.isExpected(problem)).map(({ text, url }) => `${text} (${url})`);
    }

    private isExpected({ text, url, status }: Problem): boolean {
        // With scripts off, the browser lets go of those that the page names.
        if (!this.scripts && /\/pkg\/[\w.-]+\.(js|wasm)/.test(url + text)) return true;
        // What a Git provider's own pages lack is the provider's business; ours may load nothing from there (a breach of the policy).
        if (!url.startsWith(this.origin) && /^console error: Failed to load resource/.test(text)) return true;
        if (this.unreachable.includes(url) && /net::ERR/.test(text)) return true;
        const seen = status ?? Number(/^console.*status of (\d+)/.exec(text)?.[1]);
        return this.expected.some((one) => one.status === seen && this.origin + one.path === url);
    }

    // Hydration that does not fit is told by a warning or an error; so is every breach of the Content-Security-Policy.
    private console = (message: ConsoleMessage) => {
        if (["error", "warning", "assert"].includes(message.type()) || /hydrat/i.test(message.text())) {
            this.problems.push({ text: `console ${message.type()}: ${message.text()}`, url: message.location().url });
        }
    };

    private thrown = (error: WebError) => {
        this.problems.push({ text: `thrown: ${error.error().stack ?? error.error()}`, url: error.page()?.url() ?? "" });
    };

    private failed = (request: Request) => {
        const why = request.failure()?.errorText ?? "";
        // A request that was under way when the page was left.
        if (request.url().startsWith(this.origin) && why !== "net::ERR_ABORTED") {
            this.problems.push({ text: `request failed: ${why}`, url: request.url() });
        }
    };

    private answered = (response: Response) => {
        if (response.url().startsWith(this.origin) && response.status() >= 400) {
            const status = response.status();
            this.problems.push({ text: `answered with ${status}`, url: response.url(), status });
        }
    };
}
