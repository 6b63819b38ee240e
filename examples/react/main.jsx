import { createRoot } from 'react-dom/client';
import { Player } from './player.jsx';

createRoot(document.body.appendChild(document.createElement('main'))).render(<Player src="weights/melody-small/" />);
