/** A scene of the newest three.js, which is published as modules only. */

import { BoxGeometry, Mesh, MeshBasicMaterial, PerspectiveCamera, Raycaster, REVISION, Vector2 } from "three";

const camera = new PerspectiveCamera(50, 1, 0.1, 100);
camera.position.z = 5;
camera.updateMatrixWorld();
const ray = new Raycaster();
ray.setFromCamera(new Vector2(0, 0), camera);
const cube = new Mesh(new BoxGeometry(1, 1, 1), new MeshBasicMaterial());

export const revision = REVISION;
export const distances = ray.intersectObject(cube).map(({ distance }) => distance);
