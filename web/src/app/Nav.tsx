import { useEffect, useState } from "react";

import { usePermissions } from "../api/hooks";
import { Icon } from "./Icon";
import { Link } from "./Link";
import { PAGES, pageOf } from "./pages";
import { useLinkTo, useProject } from "./state";

/** Where one can go; what is looked at comes along. */
export function Nav({ pathname }: { pathname: string }) {
  const may = usePermissions();
  const project = useProject();
  const linkTo = useLinkTo();
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [pathname]);
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
          onClick={() => setOpen(!open)}
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
