/** What is earned and lost, per unit and in all. */
export default function Executive() {
  return <h1>Executive</h1>;
}
