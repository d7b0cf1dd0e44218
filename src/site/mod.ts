/**
 * The notebooks as web pages that open from disk, without a server and without a network, and the page
 * that JupyterLab opens on.
 */
export { labIndex } from "./lab_index.ts";
export { type Heading, notebookPage, type Page } from "./page.ts";
export { SiteError, type SiteOptions, writeSite } from "./write_site.ts";
