// Light, dark, or as the system prefers.
import type { Site } from "../support/site.ts";
import { expect, test } from "../fixtures.ts";

/** How light the page's ground is, from 0 to 1. */
const ground = (site: Site) =>
    site.page.evaluate(() => {
        const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        if (!canvas) throw new Error("no canvas");
        canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
        canvas.fillRect(0, 0, 1, 1);
        return (canvas.getImageData(0, 0, 1, 1).data[0] ?? 0) / 255;
    });
const expectDark = (site: Site) => expect.poll(() => ground(site)).toBeLessThan(0.3);
const expectLight = (site: Site) => expect.poll(() => ground(site)).toBeGreaterThan(0.7);

test("without a choice the theme is the system's", async ({ site }) => {
    await site.open("/sign-in");
    await expectLight(site);
    await site.page.emulateMedia({ colorScheme: "dark" });
    await expectDark(site);
});

test("a choice holds against the system's, on every page and after a reload", async ({ site, acme }) => {
    await site.become(acme.mira);
    await site.open("/acme/tokens");
    const theme = site.page.getByRole("group", { name: "Theme" });
    await expect(site.button("Theme of the system", theme)).toHaveAttribute("aria-pressed", "true");
    await chosen(site, "Dark theme");
    await expectDark(site);

    await site.page.reload();
    await site.settled();
    await expectDark(site);
    await expect(site.button("Dark theme", theme)).toHaveAttribute("aria-pressed", "true");

    await site.button("Sign out").click();
    await site.arrived("/sign-in", "Sign in");
    await expectDark(site);
    await chosen(site, "Light theme");
    await site.page.emulateMedia({ colorScheme: "dark" });
    await expectLight(site);
    await chosen(site, "Theme of the system");
    await expectDark(site);
});

test("choosing a theme leaves one where one is", async ({ site, acme }) => {
    const runtime = await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open(`/acme/tokens?delete=${runtime}`);
    await chosen(site, "Dark theme");
    await expect(site.page).toHaveURL(`${site.origin}/acme/tokens?delete=${runtime}`);
    await expectDark(site);
});

/** Chooses a theme, and waits until the server has been told. */
async function chosen(site: Site, name: string) {
    const told = site.page.waitForResponse((response) => response.url().endsWith("/api/ui/theme"));
    await site.button(name).click();
    await (await told).finished();
    await expect(site.button(name)).toHaveAttribute("aria-pressed", "true");
    await site.settled();
}
