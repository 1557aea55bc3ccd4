/**
 * What a field has told of itself comes back to it as its value, on a busy page later than the next key. That is no
 * news: taken for one, it would put the older text in the place of what was typed since.
 */
export class Echoes {
  private told: string[] = []

  tell(text: string): void {
    this.told.push(text)
  }

  /** Whether this value is what the field itself told. What it told before that never comes any more. */
  has(value: string): boolean {
    const at = this.told.indexOf(value)
    this.told = this.told.slice(at + 1)
    return at >= 0
  }
}
