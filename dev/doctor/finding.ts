// What a check found, in words that are fixed or not secret: nothing here may hold a token, a key or what somebody answered.

/** `–`: not checked, because something else comes first, it is not in use, or it cannot be told from here. */
export interface Finding {
  mark: '✓' | '✗' | '–'
  text: string
  /** The command or the step that mends it. */
  mend?: string
}

export interface Check {
  name: string
  finding: Promise<Finding>
}

export function good(text: string): Finding {
  return { mark: '✓', text }
}

export function bad(text: string, mend: string): Finding {
  return { mark: '✗', text, mend }
}

export function unchecked(text: string): Finding {
  return { mark: '–', text }
}
