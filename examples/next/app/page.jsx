import { Player } from './player';

export default function Page() {
  return (
    <main>
      <h1>Music on this machine</h1>
      <Player />
    </main>
  );
}
