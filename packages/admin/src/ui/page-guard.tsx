import { Component, type ReactNode } from "react";
import { text } from "../text.ts";
import { Failed, Page } from "./page.tsx";

interface Props {
  /** What is shown: another place is tried anew. */
  readonly place: string;
  readonly children: ReactNode;
}

interface State {
  readonly error?: unknown;
  readonly place: string;
}

/** A page that cannot be shown says so, and leaves the way to the others: its file may be of a version that is gone. */
export class PageGuard extends Component<Props, State> {
  override state: State = { place: this.props.place };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error };
  }

  static getDerivedStateFromProps({ place }: Props, before: State): State | null {
    return place === before.place ? null : { place, error: undefined };
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return (
      <Page title={text.broken.title}>
        <Failed error={new Error(text.broken.hint)} onRetry={() => location.reload()} />
      </Page>
    );
  }
}
