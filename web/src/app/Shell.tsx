import { useEffect, useRef, useState, type ReactNode } from "react";
import { useRouterState } from "@tanstack/react-router";

import { usePermissions } from "../api/hooks";
import { Icon } from "./Icon";
import { Link } from "./Link";
import { LiveContext, useFollowing } from "./live";
import { PAGES, pageOf } from "./pages";
import "./shell.css";
import { useLinkTo, useProject } from "./state";

/** What is around every page: where one can go, and what is looked at. */
export function Shell({ children }: { children: ReactNode }) {
  const live = useFollowing();
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const page = pageOf(pathname);
  const main = useRef<HTMLElement>(null);
  const before = useRef(pathname);
  const [menu, setMenu] = useState(false);
  useEffect(() => {
    document.title = page ? `${page.title} · perunit` : "perunit";
    setMenu(false);
    if (before.current === pathname) return;
    before.current = pathname;
    main.current?.focus({ preventScroll: true }); // A screen reader goes on at the page, not at the link that led here.
  }, [pathname, page]);
  return (
    <LiveContext value={live}>
      <a className="pu-skip" href="#main">
        Skip to the page
      </a>
      <div className="pu-frame">
        <Nav open={menu} pathname={pathname} onToggle={() => setMenu(!menu)} />
        <div className="pu-side">
          <main id="main" ref={main} tabIndex={-1}>
            {children}
          </main>
        </div>
      </div>
    </LiveContext>
  );
}

function Nav({ open, pathname, onToggle }: { open: boolean; pathname: string; onToggle: () => void }) {
  const may = usePermissions();
  const project = useProject();
  const linkTo = useLinkTo();
  return (
    <header className={open ? "pu-nav pu-nav-open" : "pu-nav"}>
      <div className="pu-nav-head">
        <Link className="pu-brand" href={linkTo("/executive")}>
          <span className="pu-brand-name">perunit</span>
          <span className="pu-brand-project">{project.name}</span>
        </Link>
        <button
          type="button"
          className="pu-icon-button pu-nav-toggle"
          aria-expanded={open}
          aria-controls="pages"
          aria-label="Pages"
          onClick={onToggle}
        >
          <Icon name={open ? "close" : "menu"} />
        </button>
      </div>
      <nav id="pages" aria-label="Pages">
        <ul>
          {PAGES.filter(({ needs }) => needs.length === 0 || needs.some((each) => may.has(each))).map((page) => (
            <li key={page.path}>
              <Link href={linkTo(page.path)} aria-current={pageOf(pathname) === page ? "page" : undefined}>
                <Icon name={page.icon} />
                {page.title}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
    </header>
  );
}
