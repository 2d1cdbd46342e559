// The site as a person meets it: by roles and labels.
import { type Locator, type Page, expect } from "@playwright/test";
import type { Client } from "./client.ts";
import type { Watch } from "./watch.ts";

/** Notes on every element what scripts listen to there; that is how hydration shows from outside. */
function noteListeners() {
    const add = EventTarget.prototype.addEventListener;
    EventTarget.prototype.addEventListener = function (this: EventTarget, ...rest: Parameters<typeof add>) {
        Object.defineProperty(this, `__hears_${rest[0]}`, { value: true, configurable: true });
        add.apply(this, rest);
    };
}

/** Whether hydration is through: the router listens, and so does whatever can be operated. */
function isHydrated(): boolean {
    const hears = (target: EventTarget, type: string) => `__hears_${type}` in target;
    return (
        document.readyState === "complete" &&
        hears(window, "popstate") &&
        [...document.forms].every((form) => hears(form, "submit") || form.matches(":has([name=theme])")) &&
        [...document.querySelectorAll("button[name=theme]")].every((button) => hears(button, "click")) &&
        [...document.querySelectorAll("dialog")].every((dialog) => dialog.matches(":modal")) &&
        !document.querySelector("[aria-busy=true]")
    );
}

export class Site {
    constructor(
        readonly page: Page,
        readonly origin: string,
        /** Whether JavaScript is on. */
        readonly scripts: boolean,
        readonly watch: Watch,
    ) {}

    static async prepare(page: Page) {
        await page.addInitScript(noteListeners);
    }

    /** Loads a page of ours, which must answer with the status, and waits until it is ready for a person. */
    async open(path: string, status = 200) {
        if (status >= 400) this.watch.expect(status, path);
        const response = await this.page.goto(this.origin + path);
        expect(response?.status(), path).toBe(status);
        await this.settled();
    }

    /** Leaves the site: what the page was still asking for is given up, so that the server may go away. */
    async leave() {
        await this.page.goto("about:blank");
    }

    /** Waits until the page that was loaded has been hydrated. */
    async settled() {
        if (this.scripts) await this.page.waitForFunction(isHydrated, undefined, { timeout: 10_000 });
    }

    /** Waits until this is the page: its address and its heading. */
    async arrived(path: string | RegExp, heading: string) {
        await expect(this.page).toHaveURL(typeof path === "string" ? this.origin + path : path);
        await expect(this.heading(heading)).toBeVisible();
        await this.settled();
    }

    /** Gives the browser the cookies of somebody who has signed in. */
    async become(client: Client) {
        const cookies = [...client.cookies].map(([name, value]) => ({ name, value, url: this.origin }));
        await this.page.context().addCookies(cookies.map((cookie) => ({ ...cookie, httpOnly: true, sameSite: "Lax" })));
    }

    heading(name: string): Locator {
        return this.page.getByRole("heading", { level: 1, name, exact: true });
    }

    button(name: string, within: Page | Locator = this.page): Locator {
        return within.getByRole("button", { name, exact: true });
    }

    link(name: string, within: Page | Locator = this.page): Locator {
        return within.getByRole("link", { name, exact: true });
    }

    field(label: string, within: Page | Locator = this.page): Locator {
        return within.getByLabel(label, { exact: true });
    }

    dialog(name: string): Locator {
        return this.page.getByRole("dialog", { name, exact: true });
    }

    /** What is said above the page after a form. */
    get notice(): Locator {
        return this.page.getByRole("main").getByRole("status").first();
    }

    /** What went wrong with a form. */
    get alert(): Locator {
        return this.page.getByRole("alert");
    }

    /** The row of a table that is about this. */
    row(name: string): Locator {
        return this.page.getByRole("row").filter({ has: this.page.getByRole("rowheader", { name }) });
    }

    /** Follows a link of a row, which may stand in the row's menu. */
    async choose(row: string, action: string) {
        const link = this.link(action, this.row(row));
        await expect(this.row(row)).toBeVisible();
        if (!(await link.isVisible())) await this.button(`More for ${row}`, this.row(row)).click();
        await link.click();
    }

    /** Moves on with Tab until this has the focus. */
    async tabTo(target: Locator, key = "Tab") {
        const has = () => target.evaluate((element) => element === document.activeElement);
        for (let steps = 0; steps < 40; steps++) {
            await this.page.keyboard.press(key);
            if (await has()) return;
        }
        throw new Error("the focus does not get there");
    }

    /** Keeps requests on their way until the function that it gives is called. */
    async hold(address: string): Promise<() => void> {
        let release = () => {};
        const held = new Promise<void>((resolve) => {
            release = resolve;
        });
        await this.page.route(address, async (route) => {
            await held;
            await route.continue();
        });
        return release;
    }

    /**
     * What is wider than the place it has, so that it is cut off or must be pushed sideways: by how many pixels, and what.
     * One line that ends in an ellipsis does so on purpose; a field scrolls as one types.
     */
    cutOff(): Promise<string[]> {
        return this.page.evaluate(() =>
            [...document.querySelectorAll("html, body *:not(input, select, svg, svg *)")]
                .filter((element) => element === document.documentElement || element.clientWidth > 1)
                .map((element) => ({ element, style: getComputedStyle(element), by: element.scrollWidth - element.clientWidth }))
                .filter(({ element, style, by }) => by > 1 && (element === document.documentElement || style.overflowX !== "visible"))
                .filter(({ style }) => style.textOverflow !== "ellipsis")
                .map(({ element, by }) => `${element.tagName.toLowerCase()}.${element.className}: ${by} px`),
        );
    }
}
