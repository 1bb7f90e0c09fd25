import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

// What nearly every page draws with comes along with the first, instead of after each.
import "./charts";
import "./parts";
import { App } from "./app/App";
import "./styles/tokens.css";
import "./styles/base.css";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
