import { Component, h, type ComponentType, type VNode } from 'preact'
import { spinner } from './icons.js'

const FAILED = 'This part of the page could not be loaded. Reload the page to try again.'

/**
 * A component whose code is loaded when it is first shown.
 *
 * @param load tried again the next time it is shown where it failed
 * @param frame holds its place meanwhile
 */
export function lazy<P extends object> (
  load: () => Promise<ComponentType<P>>, frame: (content: VNode | string, props: P) => VNode
): ComponentType<P> {
  let Part: ComponentType<P> | undefined
  return class extends Component<P, { hasFailed: boolean }> {
    override state = { hasFailed: false }

    override componentDidMount (): void {
      if (Part !== undefined) return
      load().then((Loaded) => {
        Part = Loaded
        this.forceUpdate()
      }, () => this.setState({ hasFailed: true }))
    }

    override render (props: P): VNode {
      if (Part !== undefined) return h(Part, props) as VNode
      return frame(this.state.hasFailed ? FAILED : spinner(), props)
    }
  } as unknown as ComponentType<P>
}
