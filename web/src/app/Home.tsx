import { useEffect } from "react";

import { useSession } from "../api/hooks";
import { Gate } from "./Gate";
import { homeOf } from "./pages";
import { useGo } from "./state";

/** Goes to where somebody of this role begins. */
export function Home() {
  return (
    <Gate>
      <Onward />
    </Gate>
  );
}

function Onward() {
  const role = useSession().data?.user?.role;
  const go = useGo();
  useEffect(() => go(homeOf(role), true), [go, role]);
  return null;
}
